/** Cores that others may keep busy, on average. */
const OTHERS_LIMIT = 0.1

/** Repeats that differ by more than this are not to be quoted. */
const SPREAD_LIMIT = 0.1

/** How far the medians of the repeats lie apart, relative to the lowest. */
export interface Spread {
  readonly ratio: number
  readonly what: string
}

/** Why figures should not be quoted; empty is good. */
export function doubts(othersCores: number, spreads: readonly Spread[]): string[] {
  const notes: string[] = []
  if (othersCores > OTHERS_LIMIT) notes.push(`others kept ${othersCores.toFixed(1)} cores busy meanwhile`)
  const worst = spreads.reduce((a, b) => (a.ratio > b.ratio ? a : b), { ratio: 0, what: '' })
  if (worst.ratio > SPREAD_LIMIT) {
    notes.push(`repeats differ by up to ${Math.round(worst.ratio * 100)} % (${worst.what})`)
  }
  return notes
}
