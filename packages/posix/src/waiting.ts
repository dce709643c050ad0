import { StraitError, type SyncWaitOptions, throwIfAborted, Waiters, type WaitOptions } from '@strait/core'
import { native } from './native.js'
import { Readiness } from './readiness.js'

/** A blocked thread returns to JavaScript this often, in ms, so that its end is never far. */
export const BLOCK = 50

/** What is tried; undefined: not now. */
type Attempt<T> = () => T | undefined

/**
 * A descriptor and those who wait for it. One waiting operation in its forms: `try…` makes the attempt once, `run`
 * makes it again whenever the descriptor is ready, `runSync` blocks the thread.
 */
export class Pollable implements Disposable {
  readonly descriptor: number
  /** What errors call this object. */
  readonly name: string
  readonly #incoming: Waiters<unknown, Attempt<unknown>>
  readonly #outgoing: Waiters<unknown, Attempt<unknown>>
  #readiness: Readiness | undefined
  #closed = false

  constructor(descriptor: number, name: string) {
    this.descriptor = descriptor
    this.name = name
    this.#incoming = new Waiters('wait', name)
    this.#outgoing = new Waiters('wait', name)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Throws `CLOSED` once it is closed. */
  ensureOpen(operation: string): void {
    if (this.#closed) throw new StraitError('CLOSED', 'it is closed', { operation, url: this.name })
  }

  /**
   * Makes the attempt until it is more than undefined, when it is its turn.
   *
   * - Order: as called.
   * - Abort: an attempt that was not made has had no effect.
   * - Errors: what the attempt throws; `ABORTED`; `CLOSED` when this is closed meanwhile.
   */
  async run<T>(
    direction: 'incoming' | 'outgoing',
    operation: string,
    attempt: Attempt<T>,
    { signal }: WaitOptions = {},
  ): Promise<T> {
    this.ensureOpen(operation)
    throwIfAborted(operation, this.name, signal)
    const waiters = direction === 'incoming' ? this.#incoming : this.#outgoing
    if (waiters.size === 0) {
      const result = attempt()
      if (result !== undefined) return result
    }
    const waiting = waiters.wait(attempt, signal) as Promise<T>
    this.#watch()
    try {
      return await waiting
    } finally {
      this.#watch()
    }
  }

  /**
   * The same, while the thread is blocked; goes before those who wait with `run`, who cannot be served meanwhile.
   *
   * - Errors: what the attempt throws; `TIMEOUT` after so many ms.
   */
  runSync<T>(
    direction: 'incoming' | 'outgoing',
    operation: string,
    attempt: Attempt<T>,
    { timeout }: SyncWaitOptions = {},
  ): T {
    this.ensureOpen(operation)
    const { pollNow, POLLIN, POLLOUT } = native()
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout
    for (;;) {
      const result = attempt()
      if (result !== undefined) return result
      const left = deadline - performance.now()
      if (left <= 0) {
        throw new StraitError('TIMEOUT', `nothing within ${timeout} ms`, { operation, url: this.name })
      }
      pollNow(
        this.descriptor,
        direction === 'incoming' ? POLLIN : POLLOUT,
        -1,
        0,
        Math.ceil(Math.min(left, BLOCK)),
      )
    }
  }

  /** Watches for what somebody waits for, and keeps the process alive as long. */
  #watch(): void {
    if (this.#closed) return
    const { UV_READABLE, UV_WRITABLE } = native()
    const events = (this.#incoming.size > 0 ? UV_READABLE : 0) | (this.#outgoing.size > 0 ? UV_WRITABLE : 0)
    if (events === 0 && this.#readiness === undefined) return
    this.#readiness ??= new Readiness(this.descriptor, (ready) => this.#onReady(ready))
    this.#readiness.watch(events)
    if (events === 0) this.#readiness.unref()
    else this.#readiness.ref()
  }

  #onReady(events: number): void {
    const { UV_READABLE, UV_WRITABLE } = native()
    if ((events & UV_READABLE) !== 0) this.#serve(this.#incoming)
    if ((events & UV_WRITABLE) !== 0) this.#serve(this.#outgoing)
    this.#watch()
  }

  #serve(waiters: Waiters<unknown, Attempt<unknown>>): void {
    for (let waiter = waiters.first(); waiter !== undefined && !this.#closed; waiter = waiters.first()) {
      try {
        const result = waiter.data()
        if (result === undefined) return
        waiters.shift()
        waiter.resolve(result)
      } catch (error) {
        waiters.shift()
        waiter.reject(error)
      }
    }
  }

  /** Closes the descriptor; those who wait get `CLOSED`. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#readiness?.close()
    native().close(this.descriptor)
    const error = new StraitError('CLOSED', 'it was closed meanwhile', { operation: 'wait', url: this.name })
    this.#incoming.rejectAll(error)
    this.#outgoing.rejectAll(error)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
