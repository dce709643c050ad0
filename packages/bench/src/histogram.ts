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

/** An HDR histogram of durations in ns: three significant figures, whatever the range. */
export class Histogram {
  readonly #histogram = createHistogram({ lowest: 1, highest: 3_600_000_000_000, figures: 3 })

  get count(): number {
    return this.#histogram.count
  }

  /** Rounded to whole ns, and to the least that there is. */
  record(ns: number): void {
    this.#histogram.record(Math.max(1, Math.round(ns)))
  }

  add(other: Histogram): void {
    this.#histogram.add(other.#histogram)
  }

  quantiles(): Quantiles {
    const { max, mean } = this.#histogram
    const at = (percent: number) => this.#histogram.percentile(percent)
    return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max, mean: Math.round(mean) }
  }
}
