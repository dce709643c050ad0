/** So many stretches must be no quicker than those before them. */
const SETTLED = 5

/** Less than this is chance. */
const QUICKER = 0.95

/** Whether a lane has become as quick as it will: the last five medians are no more than 5 % below the best before them. */
export function isWarm(medians: readonly number[]): boolean {
  if (medians.length <= SETTLED) return false
  const before = Math.min(...medians.slice(0, -SETTLED))
  return Math.min(...medians.slice(-SETTLED)) > QUICKER * before
}
