/** Cores that others may keep busy, on average. */
const OTHERS_LIMIT = 0.1

/** Repeats that differ by more than this are not to be quoted. */
const SPREAD_LIMIT = 0.1

/** How far apart the medians of the repeats lie. */
export interface Spread {
  readonly ratio: number
  readonly what: string
}

/** Whether repeats differ so much that they should not be quoted. */
export const isNoisy = (ratio: number): boolean => ratio > SPREAD_LIMIT

/** Why figures should not be quoted; empty is good. */
export function doubts(othersCores: number, spreads: readonly Spread[]): string[] {
  const notes: string[] = []
  if (othersCores > OTHERS_LIMIT) notes.push(`others kept ${othersCores.toFixed(1)} cores busy meanwhile`)
  const noisy = spreads.filter(({ ratio }) => isNoisy(ratio)).sort((a, b) => b.ratio - a.ratio)
  if (noisy.length > 0) {
    const named = noisy.map(({ ratio, what }) => `${what} by ${Math.round(ratio * 100)} %`)
    notes.push(`repeats differ too much in ${noisy.length} of ${spreads.length}: ${named.join(', ')}`)
  }
  return notes
}
