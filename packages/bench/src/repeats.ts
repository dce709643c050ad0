import { Histogram } from './histogram.js'

/** Durations in repeats, which should not differ. */
export class Repeats {
  readonly #repeats: Histogram[] = []

  /** What is added from now on is compared with what was added before. */
  begin(): void {
    this.#repeats.push(new Histogram())
  }

  add(durations: Histogram): void {
    this.#repeats.at(-1)?.add(durations)
  }

  /** One duration, in ns. */
  record(ns: number): void {
    this.#repeats.at(-1)?.record(ns)
  }

  /** All of them together. */
  total(): Histogram {
    const total = new Histogram()
    for (const repeat of this.#repeats) total.add(repeat)
    return total
  }

  /** Of each of them, in ns. */
  medians(): number[] {
    return this.#repeats.map((repeat) => repeat.quantiles().p50)
  }
}
