import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { began } from './clock.js'

/** A stretch of time in ns of the monotonic clock that all processes share. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** What an end can only see of itself. */
export interface SelfReport {
  /** In which its thread stood still for garbage collection. */
  readonly collections: readonly Span[]
  /** How often its channel has parked; absent: it does not count that. */
  readonly parks?: number | undefined
}

/** Watches this thread for one end of a lane. */
export class SelfWatch {
  readonly #countParks: () => number | undefined
  #entries: PerformanceEntry[] = []
  #parks: number | undefined
  readonly #observer = new PerformanceObserver((list) => this.#entries.push(...list.getEntries()))

  constructor(countParks: () => number | undefined) {
    this.#countParks = countParks
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** A stretch begins. */
  begin(): void {
    this.#parks = this.#countParks()
  }

  /** What there was since {@link begin}, and collections since the last report. */
  async report(): Promise<SelfReport> {
    const [before, parks] = [this.#parks, this.#countParks()]
    // Node hands entries over in turns of the event loop, of which there are none while the thread is blocked.
    await turn()
    await turn()
    const entries = [...this.#entries, ...this.#observer.takeRecords()]
    this.#entries = []
    return {
      collections: entries.map(({ startTime, duration }) => ({
        from: began + startTime * 1e6,
        to: began + (startTime + duration) * 1e6,
      })),
      ...(parks === undefined || before === undefined ? {} : { parks: parks - before }),
    }
  }

  close(): void {
    this.#observer.disconnect()
  }
}
