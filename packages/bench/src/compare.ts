import type { Machine } from './machine.js'
import { median } from './median.js'
import { WITNESSES } from './pace.js'
import type { Results, Row } from './results.js'

/** Less than this is never said to be a change. */
const LEAST = 0.1

const rounded = (value: number) => Number(value.toPrecision(4))

/** A row of two runs. */
export interface Change {
  readonly before: Row
  readonly after: Row
  /** The median of the second run to that of the first, and that to the shift of the machine where it is known. */
  readonly ratio: number
  /** How far two runs may lie apart by chance: the largest of the spreads, a tenth at least. */
  readonly noise: number
  /** Whether `ratio`, or its inverse, is more than that. */
  readonly verdict: 'faster' | 'slower' | 'same'
}

/** What changed from one run to another. */
export interface Comparison {
  /** How the machines differ; then nothing is to be learnt from the rest about the program. */
  readonly machine: readonly string[]
  /** How much longer everything took that is not ours, floors and peers; null where there are too few to tell. */
  readonly shift: number | null
  readonly changes: readonly Change[]
  /** Rows that only the second run has. */
  readonly added: readonly Row[]
  /** Rows that only the first run has. */
  readonly missing: readonly Row[]
}

/** Compares the round trips of two runs, row by row: same address, peer, mode, placement, payload and wait strategy. */
export function compare(before: Results, after: Results): Comparison {
  const [old, fresh] = [byKey(before.rows), byKey(after.rows)]
  const pairs = [...fresh].flatMap(([key, row]) => {
    const earlier = old.get(key)
    return earlier === undefined ? [] : [[earlier, row] as const]
  })
  const shift = shiftOf(pairs)
  // Where nothing tells how the machine has changed, its own pace is part of what may be chance.
  const pace = shift === null ? Math.max(...[before, after].map(paceSpreadOf)) : 0
  return {
    machine: differences(before.machine, after.machine),
    shift,
    changes: pairs.map(([earlier, row]) => change(earlier, row, shift ?? 1, pace)),
    added: [...fresh].filter(([key]) => !old.has(key)).map(([, row]) => row),
    missing: [...old].filter(([key]) => !fresh.has(key)).map(([, row]) => row),
  }
}

const paceSpreadOf = ({ parts }: Results) => Math.max(0, ...parts.map(({ paceSpread }) => paceSpread ?? 0))

const byKey = (rows: readonly Row[]) =>
  new Map(
    rows.map((row) => {
      const { url, peer, mode, placement, payloadBytes, waitStrategy } = row
      return [JSON.stringify([url, peer, mode, placement, payloadBytes, waitStrategy]), row]
    }),
  )

/** What is not ours is the same program in both runs. */
function shiftOf(pairs: readonly (readonly [Row, Row])[]): number | null {
  const ratios = pairs.flatMap(([before, after]) => [
    ...(after.peer === undefined ? [] : [after.rttNs.p50 / before.rttNs.p50]),
    ...(before.floorNs && after.floorNs ? [after.floorNs / before.floorNs] : []),
  ])
  return ratios.length < WITNESSES ? null : rounded(median(ratios))
}

function change(before: Row, after: Row, shift: number, pace: number): Change {
  const ratio = rounded(after.rttNs.p50 / before.rttNs.p50 / shift)
  const noise = Math.max(LEAST, before.spread, after.spread, pace)
  const verdict = ratio > 1 + noise ? 'slower' : 1 / ratio > 1 + noise ? 'faster' : 'same'
  return { before, after, ratio, noise, verdict }
}

/** The commit is what two runs are compared for. */
function differences(before: Machine, after: Machine): string[] {
  const facts = ['cpu', 'cores', 'usableCores', 'memoryBytes', 'virtual', 'kernel', 'node'] as const
  return facts
    .filter((fact) => before[fact] !== after[fact])
    .map((fact) => `${fact}: ${before[fact]} before, ${after[fact]} now`)
}
