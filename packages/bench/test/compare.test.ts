import { describe, expect, it } from 'vitest'
import { compare, type Results, type Row } from '../dist/index.js'

const row = (url: string, p50: number, spread = 0, more: Partial<Row> = {}) =>
  ({
    url,
    mode: 'hot',
    placement: 'free',
    payloadBytes: 64,
    waitStrategy: null,
    rttNs: { p50 },
    spread,
    ...more,
  }) as Row

const results = (rows: Row[], machine: Partial<Results['machine']> = {}) =>
  ({ machine: { cpu: 'one', cores: 2, commit: 'a', ...machine }, rows }) as unknown as Results

describe('two runs compared', () => {
  it('differ where a median has moved by more than a tenth and than both spreads', () => {
    const pairs = [
      [row('a:', 100), row('a:', 109), 'same'],
      [row('b:', 100), row('b:', 112), 'slower'],
      [row('c:', 112), row('c:', 100), 'faster'],
      [row('d:', 109), row('d:', 100), 'same'],
      [row('e:', 100, 0.3), row('e:', 129), 'same'],
      [row('f:', 100), row('f:', 129, 0.3), 'same'],
      [row('g:', 100, 0.2), row('g:', 131, 0.3), 'slower'],
    ] as const
    const before = results(pairs.map(([earlier]) => earlier))
    const { changes, added, missing } = compare(before, results(pairs.map(([, later]) => later)))
    expect(changes.map(({ verdict }) => verdict)).toEqual(pairs.map(([, , verdict]) => verdict))
    expect(changes[1]).toMatchObject({ ratio: 1.12, noise: 0.1 })
    expect([added, missing]).toEqual([[], []])
  })

  it.each([
    { peer: 'net' },
    { mode: 'parked' },
    { placement: 'same-core' },
    { payloadBytes: 65 },
    { waitStrategy: 'spin' },
  ] as const)('do not compare a row with one that has %j', (other) => {
    const [before, after] = [row('a:', 100), row('a:', 100, 0, other)]
    expect(compare(results([before]), results([after]))).toEqual({
      machine: [],
      changes: [],
      added: [after],
      missing: [before],
    })
  })

  it('say how the machines differ, and nothing of the commit', () => {
    const { machine } = compare(results([]), results([], { cpu: 'other', commit: 'b' }))
    expect(machine).toEqual(['cpu: one before, other now'])
  })
})
