import { supported } from '@strait/posix'
import { beforeEach, expect, it, vi } from 'vitest'
import type { BenchOptions } from '../dist/bench.js'
import { benchReference } from '../dist/index.js'

// How the parts become a whole. What a part is, others test.

const calls: BenchOptions[] = vi.hoisted(() => [])
const cores = vi.hoisted(() => ({ count: 2 }))

vi.mock('../dist/bench.js', () => ({
  bench: async (options: BenchOptions) => {
    calls.push(options)
    options.onProgress?.({ payloadBytes: 64, step: 1, steps: 1 })
    const { modes = [], payloads = [64], urls = ['shm:', 'unix:'], placement = 'different-cores' } = options
    const where = cores.count === 1 ? 'same-core' : placement
    return {
      version: 2,
      date: `part ${calls.length}`,
      rows: modes.flatMap((mode) =>
        payloads.flatMap((payloadBytes) =>
          urls.map((url) => ({ url, mode, payloadBytes, placement: where, part: calls.length })),
        ),
      ),
      connections: options.connections ? ['connections'] : [],
      fanIn: options.fanIn === undefined ? [] : [`of ${options.fanIn}`],
      parts: [{ what: `part ${calls.length}`, paceSpread: 0.2, notes: ['this machine is busy'] }],
      peersMissing: options.peers ? ['nng: not installed'] : [],
    }
  },
}))

beforeEach(() => {
  calls.length = 0
  cores.count = 2
})

const keysOf = (rows: readonly object[]) => rows.map((row) => JSON.stringify({ ...row, part: undefined }))

it('the table has all modes, sizes, placements and wait strategies, each once, with what was said of it once', async () => {
  const { date, rows, connections, fanIn, parts, peersMissing } = await benchReference()
  expect(date).toBe('part 1')
  expect(new Set(rows.map(({ mode }) => mode))).toEqual(new Set(['hot', 'sync', 'leased', 'paced', 'parked']))
  expect(new Set(rows.map(({ payloadBytes }) => payloadBytes))).toEqual(
    new Set([64, 1024, 65_536, 1_048_576]),
  )
  expect(new Set(rows.map(({ placement }) => placement))).toEqual(new Set(['different-cores', 'same-core']))
  if (supported)
    expect(rows.map(({ url }) => url)).toEqual(expect.arrayContaining(['shm:?wait=park', 'shm:?wait=spin']))
  expect(rows.find(({ url, mode }) => url === 'shm:' && mode === 'hot')).toMatchObject({ part: 1 })
  expect(new Set(keysOf(rows)).size).toBe(rows.length)
  expect([connections, fanIn]).toEqual([['connections'], ['of 4']])
  expect(parts.map(({ what }) => what)).toEqual(calls.map((_, index) => `part ${index + 1}`))
  expect(peersMissing).toEqual(['nng: not installed'])
})

it('all of it has floors and peers beside, and what is quoted first is measured longest', async () => {
  await benchReference()
  for (const { floor, peers, connections, urls } of calls) {
    expect(floor === true || connections === true).toBe(true)
    expect(peers === true || urls !== undefined).toBe(true)
  }
  const [first, ...others] = calls.map(({ plan }) => plan!.repeats * plan!.stretches * plan!.stretchMs)
  // But for what runs alone, which nothing else tells about: as long.
  for (const [index, other] of others.entries())
    if (calls[index + 1]!.urls?.length !== 1) expect(other).toBeLessThan(first!)
})

it('on one core a placement that is no other is there once', async () => {
  cores.count = 1
  const { rows } = await benchReference()
  expect(new Set(keysOf(rows)).size).toBe(rows.length)
  expect(rows.length).toBeGreaterThan(0)
})

it('quick, it has one size, and peers once', async () => {
  const { rows } = await benchReference({ quick: true })
  expect(new Set(rows.map(({ payloadBytes }) => payloadBytes))).toEqual(new Set([64]))
  expect(calls.filter(({ peers }) => peers).length).toBe(1)
})

it('says which part of how many begins', async () => {
  const parts: string[] = []
  await benchReference({ onProgress: ({ section, sections }) => parts.push(`${section}/${sections}`) })
  expect(parts).toEqual(calls.map((_, index) => `${index + 1}/${calls.length}`))
})
