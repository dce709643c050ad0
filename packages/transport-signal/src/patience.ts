/** How often it is tried in the next turns of the event loop, before time passes. */
const TURNS = 16

/** Then after so many ms, twice as many each time, up to the longest. */
const FIRST_PAUSE = 1
const LONGEST_PAUSE = 50

/** Tries again what was refused, where nobody tells when it is possible: soon at first, for others read fast. */
export class Patience {
  readonly #retry: () => void
  #refusals = 0
  #pause = 0
  #immediate: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(retry: () => void) {
    this.#retry = retry
  }

  get isOn(): boolean {
    return this.#immediate !== undefined || this.#timer !== undefined
  }

  /** In so many ms it is tried again, for who cannot be called meanwhile. */
  get left(): number {
    return this.isOn ? this.#pause : Number.POSITIVE_INFINITY
  }

  later(): void {
    const retry = () => {
      this.stop()
      this.#retry()
    }
    if (this.#refusals++ < TURNS) {
      this.#pause = 0
      this.#immediate = setImmediate(retry)
    } else {
      this.#pause = this.#pause === 0 ? FIRST_PAUSE : Math.min(2 * this.#pause, LONGEST_PAUSE)
      // Whether the process waits for the channel, the channel says.
      this.#timer = setTimeout(retry, this.#pause).unref()
    }
  }

  stop(): void {
    clearImmediate(this.#immediate)
    clearTimeout(this.#timer)
    this.#immediate = undefined
    this.#timer = undefined
  }

  /** Something was possible: the next refusal is the first one. */
  renew(): void {
    this.#refusals = 0
  }
}
