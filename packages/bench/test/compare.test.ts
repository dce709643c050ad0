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
  ({ machine: { cpu: 'one', cores: 2, commit: 'a', ...machine }, rows, parts: [] }) as unknown as Results

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
      shift: null,
      changes: [],
      added: [after],
      missing: [before],
    })
  })

  it('are compared by what is not ours, where there is enough of it', () => {
    const before = [
      row('a:', 100),
      row('a:', 50, 0, { peer: 'net', floorNs: 40 }),
      row('b:', 10, 0, { floorNs: 5 }),
    ]
    const slower = (factor: number, { rttNs, floorNs, ...more }: Row) =>
      ({ ...more, rttNs: { p50: rttNs.p50 * factor }, floorNs: floorNs && floorNs * factor }) as Row
    const [ours, ...others] = before.map((one) => slower(1.3, one))
    const { shift, changes } = compare(
      results(before),
      results([{ ...ours!, rttNs: { p50: 150 } as never }, ...others]),
    )
    expect(shift).toBe(1.3)
    expect(changes.map(({ ratio, verdict }) => [ratio, verdict])).toEqual([
      [1.154, 'slower'],
      [1, 'same'],
      [1, 'same'],
    ])
  })

  it('may differ by what the pace of the machine did, where nothing tells how it has changed', () => {
    const verdict = (paceSpread: number | null) => {
      const after = { ...results([row('a:', 125)]), parts: [{ what: 'all', paceSpread, notes: [] }] }
      return compare(results([row('a:', 100)]), after).changes[0]!.verdict
    }
    expect([verdict(null), verdict(0.2), verdict(0.3)]).toEqual(['slower', 'slower', 'same'])
  })

  it('say how the machines differ, and nothing of the commit', () => {
    const { machine } = compare(results([]), results([], { cpu: 'other', commit: 'b' }))
    expect(machine).toEqual(['cpu: one before, other now'])
  })
})
