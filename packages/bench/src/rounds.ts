import { Histogram } from './histogram.js'

/** What a stretch of 20 ms has at most, rounds of 100 ns; more than that makes room while it is measured. */
const ROOM = 200_000

/**
 * When each round of a stretch began and ended. They are only written down, and looked at when the stretch is over:
 * what is done between two rounds, the peer waits for.
 */
export class Rounds {
  #times = new Float64Array(2 * ROOM)
  #filled = 0

  get count(): number {
    return this.#filled / 2
  }

  /** In ns of `now()`. */
  add(before: number, after: number): void {
    if (this.#filled === this.#times.length) this.#grow()
    this.#times[this.#filled++] = before
    this.#times[this.#filled++] = after
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length)
    times.set(this.#times)
    this.#times = times
  }

  /** The next stretch begins. */
  clear(): void {
    this.#filled = 0
  }

  durations(): Histogram {
    const durations = new Histogram()
    for (let at = 0; at < this.#filled; at += 2) durations.record(this.#times[at + 1]! - this.#times[at]!)
    return durations
  }

  /** Those that took longer than so many ns. */
  *longerThan(ns: number): Iterable<readonly [before: number, after: number]> {
    for (let at = 0; at < this.#filled; at += 2) {
      const before = this.#times[at]!
      const after = this.#times[at + 1]!
      if (after - before > ns) yield [before, after]
    }
  }
}
