import { supported } from '@strait/posix'
import { peerSchemes } from 'strait'
import { describe, expect, it } from 'vitest'
import { expected, missingWorkers, sharedWorkers, wrongResult } from '../dist/fib/check.js'
import type { FibRow } from '../dist/fib/run.js'
import { strait } from './strait.js'

const VALUES = [89, 144, 233]

describe('strait fib', () => {
  it('prints JSON with right results over every transport, each from a process of its own', async () => {
    const { code, stdout, stderr } = await strait(['fib', '--json', '--to', '12'])
    expect(stderr).toMatch(supported ? /^$/ : /^strait: left out pipe: fifo: seqpacket: .*\n$/)
    expect(code).toBe(0)
    const { machine, rows, ...rest } = JSON.parse(stdout)
    expect(rest).toEqual({})
    expect(machine).toMatchObject({
      cpu: expect.any(String),
      cores: expect.any(Number),
      kernel: expect.stringContaining('Linux'),
      node: process.version,
    })
    expect(rows.map(({ scheme }: FibRow) => scheme)).toEqual(await peerSchemes())
    for (const row of rows) {
      expect(row).toEqual({
        url: `${row.scheme}:`,
        scheme: row.scheme,
        jobs: VALUES.map((value, index) => ({
          n: 10 + index,
          value,
          ms: expect.any(Number),
          pid: expect.any(Number),
          ...(row.scheme === 'worker' ? { tid: expect.any(Number) } : {}),
        })),
        wallMs: expect.any(Number),
        rttNs: { p50: expect.any(Number), p99: expect.any(Number) },
      })
      expect(row.rttNs.p50).toBeGreaterThan(0)
      expect(row.rttNs.p99).toBeGreaterThanOrEqual(row.rttNs.p50)
      const workers = new Set(row.jobs.map(({ pid, tid }: { pid: number; tid?: number }) => `${pid} ${tid}`))
      expect(workers.size).toBe(row.scheme === 'mem' ? 1 : VALUES.length)
      if (row.scheme !== 'worker') continue
      expect(new Set(row.jobs.map(({ pid }: { pid: number }) => pid)).size).toBe(1)
    }
  })

  it('computes fib(10) to fib(19), in ten processes, where nothing else is said', async () => {
    const { code, stdout } = await strait(['fib', '--json', '--url', 'unix:'])
    expect(code).toBe(0)
    const { jobs } = JSON.parse(stdout).rows[0] as FibRow
    expect(jobs.map(({ value }) => value)).toEqual([89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765])
    expect(new Set(jobs.map(({ pid }) => pid)).size).toBe(10)
  })

  it('prints a plain table into a pipe', async () => {
    const { code, stdout } = await strait([
      'fib',
      '--url',
      'unix:',
      'mem:',
      'worker:',
      '--from',
      '3',
      '--to',
      '5',
    ])
    expect(code).toBe(0)
    expect(stdout).not.toContain('\x1b')
    expect(stdout).toMatch(/^ {2}unix: +3 processes +3\/3 /m)
    expect(stdout).toMatch(/^ {2}mem: +1 process +3\/3 /m)
    expect(stdout).toMatch(/^ {2}worker: +3 threads +3\/3 /m)
  })

  it.concurrent.each([
    [['--url', 'nix:'], 'there is no transport'],
    [['--url', 'unix'], 'an address begins with a scheme'],
    [['--url', 'unix:/run/a.sock'], 'spawnPeer chooses the address itself'],
    [['--from', '12', '--to', '11'], '--from 12 is larger than --to 11'],
    [['--to', '1000'], 'Must be a whole number from 0 to 40'],
    [['--frm', '1'], "unknown option '--frm'"],
  ])('refuses %j with exit code 2', async (args, reason) => {
    const { code, stdout, stderr } = await strait(['fib', ...args])
    expect(stderr).toContain(`strait: `)
    expect(stderr).toContain(reason)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('the check', () => {
  it('knows the numbers', () => {
    expect([0, 1, 2, 3, 4].map(expected)).toEqual([1, 1, 2, 3, 5])
    expect(VALUES.map((_, index) => expected(10 + index))).toEqual(VALUES)
  })

  it('finds a wrong result', () => {
    expect(wrongResult({ n: 10, value: 89, pid: 7 })).toEqual([])
    expect(wrongResult({ n: 10, value: 55, pid: 7 })).toEqual(['process 7 says fib(10) = 55, but it is 89'])
  })

  it('finds two workers in one process or thread, where there should be two', () => {
    const workers = [{ pid: 1 }, { pid: 1 }]
    const only = ['2 jobs had only 1 processes or threads']
    expect(sharedWorkers(workers, false)).toEqual(only)
    expect(sharedWorkers(workers, true)).toEqual([])
    expect(sharedWorkers([{ pid: 1 }, { pid: 2 }], false)).toEqual([])
    const threads = (tid: number) => [
      { pid: 1, tid: 1 },
      { pid: 1, tid },
    ]
    expect(sharedWorkers(threads(2), false)).toEqual([])
    expect(sharedWorkers(threads(1), false)).toEqual(only)
  })

  it('finds a worker that has ended', () => {
    const worker = (state: string, exitCode: number | null) =>
      ({ channel: { state }, process: { exitCode, signalCode: null } }) as never
    expect(missingWorkers([worker('open', null), worker('open', null)])).toEqual([])
    expect(missingWorkers([worker('open', null), worker('open', 0), worker('closed', null)])).toEqual([
      'only 1 of 3 workers were alive before the first job',
    ])
  })
})
