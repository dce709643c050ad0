/** How certain it is that the median of all repeats that could have been lies in the interval, at least. */
const CERTAINTY = 0.9

/**
 * How far apart repeats lie: the width of the interval that has their median with a certainty of 90 %, whatever their
 * distribution, relative to its lower end. Of up to seven repeats that is all of them; of fifteen, three may be
 * anywhere on either side. Order statistics: Le Boudec, Performance Evaluation of Computer and Communication Systems,
 * theorem 2.1.
 */
export function spreadOf(repeats: readonly number[]): number {
  const sorted = [...repeats].sort((a, b) => a - b)
  const beyond = beyondInterval(sorted.length)
  const lower = sorted[beyond]!
  return (sorted[sorted.length - 1 - beyond]! - lower) / lower
}

/** How many of so many repeats are left out on either side. */
function beyondInterval(count: number): number {
  // That so many at most lie below the median, each of them with the probability of a coin.
  let fewer = 0
  let exactly = 0.5 ** count
  for (let beyond = 0; ; beyond++) {
    fewer += exactly
    if (1 - 2 * fewer < CERTAINTY) return Math.max(0, beyond - 1)
    exactly *= (count - beyond) / (beyond + 1)
  }
}
