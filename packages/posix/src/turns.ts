import { throwIfAborted, Waiters } from '@strait/core'

/** One at a time, in the order of the calls. */
export class Turns {
  readonly #operation: string
  readonly #name: string
  readonly #waiters: Waiters<void>
  #taken = false

  constructor(operation: string, name: string) {
    this.#operation = operation
    this.#name = name
    this.#waiters = new Waiters(operation, name)
  }

  /** Whether it is somebody's turn now. */
  get taken(): boolean {
    return this.#taken
  }

  /**
   * Does the work when it is its turn.
   *
   * - Abort: until then; the work has not begun.
   * - Errors: the work's; `ABORTED`.
   */
  async take<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    throwIfAborted(this.#operation, this.#name, signal)
    if (this.#taken) await this.#waiters.wait(undefined, signal)
    this.#taken = true
    try {
      return await work()
    } finally {
      const next = this.#waiters.shift()
      if (next === undefined) this.#taken = false
      else next.resolve()
    }
  }
}
