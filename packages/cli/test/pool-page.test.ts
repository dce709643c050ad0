import type { Machine, PoolRow } from '@strait/bench'
import { expect, it } from 'vitest'
import { poolPage } from '../dist/bench/pool-page.js'

const machine = { cpu: 'A', cores: 2, kernel: 'Linux 6', node: 'v20' } as Machine

const row = (name: string, mode: string, figures: Partial<PoolRow>): PoolRow => ({
  work: 'one',
  name,
  mode,
  workers: 1,
  wait: null,
  bytes: null,
  nsPerJob: 16_000,
  p99Ns: 40_000,
  cpuPerJobNs: null,
  efficiency: null,
  ratioToPiscina: 1,
  bar: null,
  spread: 0.021,
  ...figures,
})

it('the page of pools has a table for each kind of work, and says by how much a bar is met or not', () => {
  const pool = [
    row('piscina', 'threads', {}),
    row('Pool', 'shm:', { nsPerJob: 4_000, ratioToPiscina: 0.25, bar: 0.2, wait: 'adaptive' }),
    row('Pool', 'shm:', { work: 'batch', nsPerJob: 1_500, ratioToPiscina: 0.075, bar: 0.1, p99Ns: null }),
    row('Pool', 'shm:', { work: 'fib', nsPerJob: 5e6, ratioToPiscina: 0.98, efficiency: 0.97, p99Ns: null }),
    row('Pool', 'shm:', { work: 'buffer', bytes: 1_048_576, ratioToPiscina: null, p99Ns: null }),
  ]
  const lines = poolPage({ machine, pool })
    .split('\n')
    .map((line) => line.trim().replace(/ +/g, ' '))
    .filter((line) => line !== '')
  expect(lines.slice(0, 16)).toEqual([
    'A job that adds two numbers, one at a time',
    'workers p50 p99 × piscina CPU wait spread',
    'piscina threads 1 16.0 µs 40.0 µs 1.000 – 2 %',
    'Pool shm: 1 4.00 µs 40.0 µs 0.250 – adaptive 2 %',
    'Many such jobs at once',
    'workers a job × piscina CPU wait spread',
    'Pool shm: 1 1.50 µs 0.075 – 2 %',
    'Jobs that compute',
    'workers a job × piscina jobs/s of the cores CPU wait spread',
    'Pool shm: 1 5.00 ms 0.980 200 97 % – 2 %',
    'Bytes there and back, one at a time',
    'workers bytes a job × piscina CPU wait spread',
    'Pool shm: 1 1,048,576 16.0 µs – – 2 %',
    'NOT MET: A job that adds two numbers, one at a time, shm:, workers: 1: 0.250 × piscina, at most 0.200',
    'met: Many such jobs at once, shm:, workers: 1: 0.075 × piscina, at most 0.100',
    expect.stringMatching(/^One at a time: /),
  ])
})
