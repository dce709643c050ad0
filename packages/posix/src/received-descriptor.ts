import { StraitError } from '@strait/core'
import { native } from './native.js'

/** A descriptor that came with a message, closed on exec. Whoever holds this closes it, or takes it. */
export class ReceivedDescriptor implements Disposable {
  readonly #descriptor: number
  #held = true

  /** Used within this package. */
  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** Its number, while it is held here. */
  get descriptor(): number {
    if (this.#held) return this.#descriptor
    throw new StraitError('CLOSED', 'it is closed or taken', {
      operation: 'descriptor',
      url: `descriptor ${this.#descriptor}`,
    })
  }

  /**
   * Hands it over to somebody who closes it: `fs`, `net`, a `fromDescriptor`. From now on it outlives this object and,
   * where this is a worker, the worker.
   */
  take(): number {
    const { descriptor } = this
    native().disown(descriptor)
    this.#held = false
    return descriptor
  }

  /** Closes it. Idempotent; nothing once it was taken. */
  close(): void {
    if (!this.#held) return
    this.#held = false
    native().close(this.#descriptor)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
