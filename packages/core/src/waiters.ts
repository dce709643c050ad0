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
  readonly #operation: string
  readonly #url: URL | string | undefined
  readonly #queue = new Fifo<Waiter<T, D>>()
  /** One listener a signal, however many wait with it. */
  readonly #signals = new Map<AbortSignal, { places: Set<Place<Waiter<T, D>>>; onAbort: () => void }>()

  constructor(operation: string, url: URL | string | undefined) {
    this.#operation = operation
    this.#url = url
  }

  get size(): number {
    return this.#queue.size
  }

  /** Waits until served, or until the signal is aborted: then it has left the queue before its promise rejects. */
  wait(data: D, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const place = this.#queue.push({ data, signal, resolve, reject })
      if (signal !== undefined) this.#listen(signal, place)
    })
  }

  #listen(signal: AbortSignal, place: Place<Waiter<T, D>>): void {
    const listening = this.#signals.get(signal)
    if (listening !== undefined) {
      listening.places.add(place)
      return
    }
    const places = new Set([place])
    const onAbort = () => {
      this.#signals.delete(signal)
      const error = abortedError(this.#operation, this.#url, signal.reason)
      for (const each of places) this.#queue.remove(each)
      for (const each of places) each.value.reject(error)
    }
    this.#signals.set(signal, { places, onAbort })
    signal.addEventListener('abort', onAbort, { once: true })
  }

  #forget(signal: AbortSignal, place: Place<Waiter<T, D>>): void {
    const listening = this.#signals.get(signal)
    if (listening === undefined) return
    listening.places.delete(place)
    if (listening.places.size > 0) return
    this.#signals.delete(signal)
    signal.removeEventListener('abort', listening.onAbort)
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
    if (signal !== undefined) this.#forget(signal, place)
    return place.value
  }

  resolveAll(value: T): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.resolve(value)
  }

  rejectAll(error: unknown): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.reject(error)
  }
}
