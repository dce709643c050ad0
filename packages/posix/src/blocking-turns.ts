import { StraitError, throwIfAborted, Waiters, type WaitOptions } from '@strait/core'
import { BlockedCall } from './blocked-call.js'
import { type BlockerHandle, kernelError, type Meanings } from './native.js'

/** Something that can be waited for, in a thread only. */
export interface Blocking<T> {
  /** Tries it, without waiting; undefined: not now. */
  attempt(): T | undefined
  /** Starts the call that blocks until it is done, or until it is worth another attempt. */
  begin(blocker: BlockerHandle): number
  /** What a call has come back with, `>= 0`: the outcome; undefined: it is worth another attempt. */
  finish(result: number): T | undefined
  /** Takes back what a call has done, which nobody wants any more. */
  undo?(result: number): void
  /** Errors that are no errors: the negated number is given to `finish`. */
  readonly expected?: number | undefined
}

/**
 * Those who wait for something in a thread, one behind the other: as `Pollable.run`, for what no descriptor tells of.
 *
 * - Order: as called; between processes the kernel decides.
 */
export class BlockingTurns<T> {
  readonly #operation: string
  readonly #name: string
  readonly #meanings: Meanings
  readonly #waiters: Waiters<T, Blocking<T>>
  #call: BlockedCall | undefined
  /** What the thread is blocked in. */
  #current: Blocking<T> | undefined
  #closed = false

  constructor(operation: string, name: string, meanings: Meanings = {}) {
    this.#operation = operation
    this.#name = name
    this.#meanings = meanings
    this.#waiters = new Waiters(operation, name)
  }

  /** How many wait. */
  get size(): number {
    return this.#waiters.size
  }

  /**
   * Does it, when it is its turn.
   *
   * - Abort: what was aborted has had no effect.
   * - Errors: what the attempt throws, and the call; `ABORTED`; `CLOSED` when this is closed meanwhile; `NO_RESOURCES`
   *   there can be no more threads.
   */
  async run(blocking: Blocking<T>, { signal }: WaitOptions = {}): Promise<T> {
    throwIfAborted(this.#operation, this.#name, signal)
    if (this.#waiters.size === 0) {
      const result = blocking.attempt()
      if (result !== undefined) return result
    }
    const waiting = this.#waiters.wait(blocking, signal)
    this.#serve()
    try {
      return await waiting
    } finally {
      this.#serve()
    }
  }

  /** Lets the thread block for whoever is first, and for nobody else. */
  #serve(): void {
    if (this.#closed) return
    for (let first = this.#waiters.first(); ; first = this.#waiters.first()) {
      if (this.#current !== undefined && this.#current === first?.data) return
      this.#giveUp()
      if (first === undefined) {
        this.#call?.unref()
        return
      }
      try {
        const result = first.data.attempt()
        if (result === undefined) {
          this.#block(first.data)
          return
        }
        this.#waiters.shift()
        first.resolve(result)
      } catch (error) {
        this.#waiters.shift()
        first.reject(error)
      }
    }
  }

  #block(blocking: Blocking<T>): void {
    this.#call ??= new BlockedCall(this.#name, (result) => this.#onDone(result))
    this.#call.start((blocker) => blocking.begin(blocker))
    this.#call.ref()
    this.#current = blocking
  }

  /** Whoever the thread is blocked for has left. */
  #giveUp(): void {
    const blocking = this.#current
    if (blocking === undefined) return
    this.#current = undefined
    const result = this.#call!.cancel()
    if (result !== undefined && result >= 0) blocking.undo?.(result)
  }

  #onDone(result: number): void {
    const blocking = this.#current!
    this.#current = undefined
    const first = this.#waiters.first()
    if (first?.data !== blocking) {
      if (result >= 0) blocking.undo?.(result)
    } else if (result < 0 && result !== blocking.expected) {
      this.#waiters.shift()
      first.reject(kernelError(result, this.#operation, this.#name, this.#meanings))
    } else {
      const outcome = blocking.finish(result)
      if (outcome !== undefined) {
        this.#waiters.shift()
        first.resolve(outcome)
      }
    }
    this.#serve()
  }

  /** Those who wait get `CLOSED`; what the thread has taken for them is given back. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#giveUp()
    this.#closed = true
    this.#call?.close()
    const error = new StraitError('CLOSED', 'it was closed meanwhile', {
      operation: this.#operation,
      url: this.#name,
    })
    this.#waiters.rejectAll(error)
  }
}
