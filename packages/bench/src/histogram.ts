import { createHistogram } from 'node:perf_hooks'

/** Quantiles of durations, in ns. */
export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly mean: number
}

/** How many durations there are up to one, in ns, that none of the lower bins has. */
export type Bin = readonly [upToNs: number, rounds: number]

const LONGEST = 3_600_000_000_000

/** In a decade: each bin is 4.9 % wide. */
const BINS = 48

/** An HDR histogram of durations in ns: three significant figures, whatever the range. */
export class Histogram {
  readonly #histogram = createHistogram({ lowest: 1, highest: LONGEST, figures: 3 })
  /** node:perf_hooks tells quantiles, but no counts. */
  readonly #counts = new Uint32Array(binOf(LONGEST) + 1)

  get count(): number {
    return this.#histogram.count
  }

  /** Rounded to whole ns, and to the least that there is. */
  record(ns: number): void {
    const whole = Math.max(1, Math.round(ns))
    this.#histogram.record(whole)
    this.#counts[binOf(whole)]!++
  }

  add(other: Histogram): void {
    this.#histogram.add(other.#histogram)
    for (const [bin, count] of other.#counts.entries()) this.#counts[bin]! += count
  }

  quantiles(): Quantiles {
    const { max, mean } = this.#histogram
    const at = (percent: number) => this.#histogram.percentile(percent)
    return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max, mean: Math.round(mean) }
  }

  /** How durations are distributed, in bins of a 48th of a decade, without empty ones. */
  distribution(): Bin[] {
    return [...this.#counts].flatMap((count, bin) => (count === 0 ? [] : [[upTo(bin), count] as const]))
  }
}

const binOf = (ns: number) => Math.ceil(Math.log10(ns) * BINS)

const upTo = (bin: number) => Math.floor(10 ** (bin / BINS))
