import { abortedError } from './error.js'
import { Fifo } from './fifo.js'

interface Waiter<T, D> {
  readonly data: D
  readonly signal: AbortSignal | undefined
  resolve(value: T): void
  reject(error: unknown): void
  /** Leaves the queue. */
  leave(): void
}

/** Those who wait for the same thing, served in the order in which they came; each may leave by its signal. */
export class Waiters<T, D = undefined> {
  readonly #operation: string
  readonly #url: URL | undefined
  readonly #queue = new Fifo<Waiter<T, D>>()
  /** One listener a signal, however many wait with it. */
  readonly #signals = new Map<AbortSignal, { waiters: Set<Waiter<T, D>>; onAbort: () => void }>()

  constructor(operation: string, url: URL | undefined) {
    this.#operation = operation
    this.#url = url
  }

  get size(): number {
    return this.#queue.size
  }

  /** Waits until served, or until the signal is aborted: then it has left the queue before its promise rejects. */
  wait(data: D, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter<T, D> = { data, signal, resolve, reject, leave: () => {} }
      waiter.leave = this.#queue.push(waiter)
      if (signal !== undefined) this.#listen(signal, waiter)
    })
  }

  #listen(signal: AbortSignal, waiter: Waiter<T, D>): void {
    const listening = this.#signals.get(signal)
    if (listening !== undefined) {
      listening.waiters.add(waiter)
      return
    }
    const waiters = new Set([waiter])
    const onAbort = () => {
      this.#signals.delete(signal)
      const error = abortedError(this.#operation, this.#url, signal.reason)
      for (const each of waiters) each.leave()
      for (const each of waiters) each.reject(error)
    }
    this.#signals.set(signal, { waiters, onAbort })
    signal.addEventListener('abort', onAbort, { once: true })
  }

  #forget(signal: AbortSignal, waiter: Waiter<T, D>): void {
    const listening = this.#signals.get(signal)
    if (listening === undefined) return
    listening.waiters.delete(waiter)
    if (listening.waiters.size > 0) return
    this.#signals.delete(signal)
    signal.removeEventListener('abort', listening.onAbort)
  }

  /** The one whose turn it is. */
  first(): Waiter<T, D> | undefined {
    return this.#queue.first()
  }

  /** Takes the one whose turn it is out of the queue; its signal no longer counts. */
  shift(): Waiter<T, D> | undefined {
    const waiter = this.#queue.shift()
    if (waiter?.signal !== undefined) this.#forget(waiter.signal, waiter)
    return waiter
  }

  resolveAll(value: T): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.resolve(value)
  }

  rejectAll(error: unknown): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.reject(error)
  }
}
