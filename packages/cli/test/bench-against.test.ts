import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Results, Row } from '@strait/bench'
import { describe, expect, it } from 'vitest'
import { comparisonPage } from '../dist/bench/comparison-page.js'
import { othersPage } from '../dist/bench/others-page.js'
import { scratch, strait } from './strait.js'

const directory = scratch()

const quantiles = (p50: number) => ({ p50, p90: p50, p99: p50, p999: p50, max: p50, mean: p50 })
const row = (url: string, p50: number) =>
  ({ url, mode: 'hot', payloadBytes: 1024, rttNs: quantiles(p50) }) as Row

describe('strait bench', () => {
  it('keeps a run in a file, and says what changed since', async () => {
    const file = join(directory, 'results.json')
    const args = ['bench', '--quick', '--json', '--url', 'mem:']
    const first = await strait([...args, '--output', file])
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Results
    expect(kept).toEqual(JSON.parse(first.stdout))
    const [row] = kept.rows
    writeFileSync(
      file,
      JSON.stringify({
        ...kept,
        rows: [
          { ...row, spread: 0, rttNs: quantiles(1e12) },
          { ...row, url: 'nix:' },
        ],
      }),
    )
    const { stdout } = await strait([...args, '--against', file])
    const { comparison } = JSON.parse(stdout)
    expect(comparison).toMatchObject({
      machine: [],
      changes: [{ verdict: 'faster' }],
      added: [],
      missing: [{ url: 'nix:' }],
    })
  })

  it('refuses to compare with what is no run before it measures anything', async () => {
    const file = join(directory, 'other.json')
    writeFileSync(file, '{"rows":[]}')
    const { code, stderr } = await strait(['bench', '--against', file])
    expect(stderr).toContain('is not what strait bench --json of this version prints')
    expect(code).toBe(2)
  })

  it.concurrent.each([
    [['--fan-in', '1'], 'Must be a whole number of peers from 2'],
    [['--reference', '--url', 'unix:'], "'--reference' cannot be used with option '--url"],
    [['--locks', '--reference'], "'--locks' cannot be used with option '--reference'"],
  ])('refuses %j with exit code 2', async (args, reason) => {
    const { code, stderr } = await strait(['bench', ...args])
    expect(stderr).toContain(reason)
    expect(code).toBe(2)
  })
})

it('a comparison names another machine first, then what changed, what is new and what is missing', () => {
  const change = (url: string, ratio: number, verdict: 'same' | 'slower') => ({
    before: row(url, 1000),
    after: row(url, 1000 * ratio),
    ratio,
    noise: 0.1,
    verdict,
  })
  const text = comparisonPage({
    machine: ['cpu: one before, other now'],
    shift: 1.078,
    changes: [change('unix:', 1.5, 'slower'), change('tcp:', 1, 'same')],
    added: [row('shm:', 1)],
    missing: [row('ws:', 1)],
  })
  expect(text.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
    'another machine: cpu: one before, other now',
    'What is not ours takes 1.08 × as long; ratios are to that.',
    '1 of 2 medians are the same but for noise.',
    '',
    expect.stringMatching(/^before now ratio noise$/),
    expect.stringMatching(/^unix: hot 1,024 B .* 1\.50 × 10 % slower$/),
    'new: shm: hot 1,024 B',
    'not measured now: ws: hot 1,024 B',
    '',
  ])
})

it('connecting and several peers have tables of their own, and a dash where a process cannot connect', () => {
  const common = { scheme: 'x', spread: 0, noisy: false }
  const text = othersPage({
    connections: [
      { ...common, url: 'pipe:', connectNs: null, firstMessageNs: null, spawnNs: quantiles(5e7), rounds: 2 },
    ],
    fanIn: [
      {
        ...common,
        url: 'unix:',
        peers: 4,
        payloadBytes: 64,
        messagesPerSecond: 1000,
        ratioToOne: 2,
        smallestShare: 0.25,
      },
      {
        ...common,
        noisy: true,
        url: 'tcp:',
        peers: 4,
        payloadBytes: 64,
        messagesPerSecond: 1000,
        ratioToOne: 2,
        smallestShare: 0.25,
      },
    ],
  })
  expect(text).toMatch(/^ *pipe: +– +– +50/m)
  expect(text).toMatch(/^4 peers at once, 64 bytes$/m)
  expect(text).toMatch(/^ *tcp: +≈ /m)
  expect(text).toMatch(/^ *unix: .* 2\.00 × +25 %$/m)
  expect(othersPage({ connections: [], fanIn: [] })).toBe('')
})
