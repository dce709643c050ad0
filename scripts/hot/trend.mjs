const KIB = 1024
const MIB = 1024 * KIB

/**
 * How much a figure may grow in the second half of a run, however long that is. Not nothing: the engine compiles what
 * has become hot, the allocator keeps what it may need again.
 */
export const TOLERATED = {
  rss: 4 * MIB,
  heapUsed: 256 * KIB,
  external: 128 * KIB,
  arrayBuffers: 128 * KIB,
  descriptors: 0.5,
  maps: 8,
}

/** How many standard errors a growth must be to be none by chance. */
const CERTAIN = 3

/**
 * By how much a figure has grown from the middle of a run to its end: the straight line of least squares through the
 * samples of that half, and how far off it may be by chance. `samples` have the time `at`, in any unit.
 */
export function growth(samples, figure) {
  const middle = (samples[0].at + samples.at(-1).at) / 2
  const half = samples.filter(({ at }) => at >= middle)
  if (half.length < 3) throw new RangeError('a trend needs three samples in the second half')
  const sum = (of) => half.reduce((total, one) => total + of(one), 0)
  const meanAt = sum(({ at }) => at) / half.length
  const mean = sum((one) => one[figure]) / half.length
  const spread = sum(({ at }) => (at - meanAt) ** 2)
  const slope = sum((one) => (one.at - meanAt) * (one[figure] - mean)) / spread
  const residual = sum((one) => (one[figure] - mean - slope * (one.at - meanAt)) ** 2)
  const error = Math.sqrt(residual / (half.length - 2) / spread)
  const length = half.at(-1).at - half[0].at
  return { grown: slope * length, chance: CERTAIN * error * length }
}

/** Every figure's growth, and whether it is more than is tolerated and more than chance. */
export function trends(samples) {
  return Object.entries(TOLERATED).map(([figure, tolerated]) => {
    const { grown, chance } = growth(samples, figure)
    return { figure, grown, chance, tolerated, tooMuch: grown > Math.max(tolerated, chance) }
  })
}
