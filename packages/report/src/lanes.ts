import type { Measured, Row } from '@strait/bench'

/** What rows must have in common to be compared. */
export type Situation = Pick<Row, 'mode' | 'placement' | 'payloadBytes'>

/** The one that is shown first: hot, on different cores, with 64 bytes, as far as it was measured. */
export function mainSituation(rows: readonly Row[]): Situation {
  const wishes: ((row: Row) => boolean)[] = [
    ({ mode }) => mode === 'hot',
    ({ placement }) => placement === 'different-cores',
    ({ payloadBytes }) => payloadBytes === 64,
  ]
  let left = rows
  for (const wish of wishes) {
    const granted = left.filter(wish)
    if (granted.length > 0) left = granted
  }
  return left[0] ?? { mode: 'hot', placement: 'different-cores', payloadBytes: 64 }
}

/** The rows in a situation, or, where not all of it is given, in several. */
export function rowsIn<T extends Row>(
  rows: readonly T[],
  { mode, placement, payloadBytes }: Partial<Situation>,
): T[] {
  return rows.filter(
    (row) =>
      (mode === undefined || row.mode === mode) &&
      (placement === undefined || row.placement === placement) &&
      (payloadBytes === undefined || row.payloadBytes === payloadBytes),
  )
}

/** The same for all rows of a lane, whatever its situation. */
export const laneOf = ({ url, peer }: Measured): string => `${url} ${peer ?? ''}`

/** How a lane is drawn: shared memory stands out, other programs stand back. */
export type Kind = 'shm' | 'ours' | 'peer'

export function kindOf({ scheme, peer }: Measured): Kind {
  if (peer !== undefined) return 'peer'
  return scheme === 'shm' ? 'shm' : 'ours'
}

export const colourOf = ({ kind }: { readonly kind: Kind }): string => `var(--${kind})`

export const nameOf = ({ url, peer }: Measured): string => peer ?? url

/** The name, with a mark on figures that should not be quoted. */
export const markedName = (row: Measured): string => (row.noisy ? `≈ ${nameOf(row)}` : nameOf(row))

/** Rows by lane, lanes in the order of their first rows. */
export function byLane<T extends Measured>(rows: readonly T[]): T[][] {
  const lanes = new Map<string, T[]>()
  for (const row of rows) {
    const others = lanes.get(laneOf(row))
    if (others === undefined) lanes.set(laneOf(row), [row])
    else others.push(row)
  }
  return [...lanes.values()]
}

/** Transports by their lowest figure; behind each the programs that do the same, likewise. */
export function ranked<T extends Measured>(rows: readonly T[], figure: (row: T) => number): T[] {
  const ours = new Map<string, number>()
  for (const row of rows.filter(({ peer }) => peer === undefined)) {
    ours.set(row.url, Math.min(figure(row), ours.get(row.url) ?? Number.MAX_VALUE))
  }
  const transport = ({ url }: T) => ours.get(url) ?? Number.MAX_VALUE
  return [...rows].sort(
    (a, b) =>
      transport(a) - transport(b) ||
      a.url.localeCompare(b.url) ||
      Number(a.peer !== undefined) - Number(b.peer !== undefined) ||
      figure(a) - figure(b),
  )
}
