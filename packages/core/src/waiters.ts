import { Aborts } from './aborts.js'
import { abortedError } from './error.js'
import { Fifo, type Place } from './fifo.js'

interface Waiter<T, D> {
  readonly data: D
  readonly signal: AbortSignal | undefined
  resolve(value: T): void
  reject(error: unknown): void
}

/** Those who wait for the same thing, served in the order in which they came; each may leave by its signal. */
export class Waiters<T, D = undefined> {
  readonly #queue = new Fifo<Waiter<T, D>>()
  readonly #aborts: Aborts<Place<Waiter<T, D>>>

  constructor(operation: string, url: URL | string | undefined) {
    this.#aborts = new Aborts((places, signal) => {
      const error = abortedError(operation, url, signal.reason)
      for (const each of places) this.#queue.remove(each)
      for (const each of places) each.value.reject(error)
    })
  }

  get size(): number {
    return this.#queue.size
  }

  /** Waits until served, or until the signal is aborted: then it has left the queue before its promise rejects. */
  wait(data: D, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const place = this.#queue.push({ data, signal, resolve, reject })
      if (signal !== undefined) this.#aborts.add(signal, place)
    })
  }

  /** The one whose turn it is. */
  first(): Waiter<T, D> | undefined {
    return this.#queue.first()?.value
  }

  /** Takes the one whose turn it is out of the queue; its signal no longer counts. */
  shift(): Waiter<T, D> | undefined {
    const place = this.#queue.first()
    if (place === undefined) return undefined
    this.#queue.remove(place)
    const { signal } = place.value
    if (signal !== undefined) this.#aborts.delete(signal, place)
    return place.value
  }

  resolveAll(value: T): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.resolve(value)
  }

  rejectAll(error: unknown): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.reject(error)
  }
}
