/** Cores that others may keep busy, on average. */
const OTHERS_LIMIT = 0.1

/** Repeats that differ by more than this are not to be quoted. */
const SPREAD_LIMIT = 0.1

/** If more of what ran together do, none of it is to be quoted; else each row says so of itself. */
const NOISY_PART = 0.5

/** How far apart the medians of the repeats lie. */
export interface Spread {
  readonly ratio: number
  readonly what: string
}

/** Whether repeats differ so much that they should not be quoted. */
export const isNoisy = (ratio: number): boolean => ratio > SPREAD_LIMIT

/** So many are named. */
const NAMED = 3

/** Why figures should not be quoted; empty is good. Of what did not run in turns, nobody knows the pace of the machine. */
export function doubts(
  othersCores: number,
  spreads: readonly Spread[],
  paceSpread: number | null = null,
): string[] {
  const notes: string[] = []
  if (othersCores > OTHERS_LIMIT) notes.push(`others kept ${othersCores.toFixed(1)} cores busy meanwhile`)
  if (isNoisy(paceSpread ?? 0))
    notes.push(`the machine itself was now quicker, now slower, by ${Math.round(100 * paceSpread!)} %`)
  const noisy = spreads.filter(({ ratio }) => isNoisy(ratio)).sort((a, b) => b.ratio - a.ratio)
  if (noisy.length > NOISY_PART * spreads.length) {
    const named = noisy.slice(0, NAMED).map(({ ratio, what }) => `${what} by ${Math.round(ratio * 100)} %`)
    const most = noisy.length > NAMED ? 'most of all ' : ''
    notes.push(`repeats differ too much in ${noisy.length} of ${spreads.length}: ${most}${named.join(', ')}`)
  }
  return notes
}
