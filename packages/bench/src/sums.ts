import type { Moved } from './throughput.js'

/** A sum of what the kernel may not count. */
export class Total {
  #sum: number | undefined = 0

  add(value: number | undefined): void {
    this.#sum = this.#sum === undefined || value === undefined ? undefined : this.#sum + value
  }

  /** Null when one of the values was not there. */
  each(count: number): number | null {
    return this.#sum === undefined ? null : this.#sum / count
  }
}

/** How fast something went in all stretches together. */
export class Rate {
  #messages = 0
  #ns = 0

  add({ messages, ns }: Moved): void {
    this.#messages += messages
    this.#ns += ns
  }

  /** Null when there were no stretches. */
  perSecond(): number | null {
    return this.#ns === 0 ? null : this.#messages / (this.#ns / 1e9)
  }
}
