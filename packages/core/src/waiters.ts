import { abortedError } from './error.js'

interface Waiter<T, D> {
  readonly data: D
  resolve(value: T): void
  reject(error: unknown): void
  /** Stops listening to the signal: the waiter's turn has come. */
  commit?(): void
}

/** Those who wait for the same thing, served in the order in which they came; each may leave by its signal. */
export class Waiters<T, D = undefined> {
  readonly #operation: string
  readonly #url: URL | undefined
  readonly #queue = new Set<Waiter<T, D>>()

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
      const waiter: Waiter<T, D> = { data, resolve, reject }
      this.#queue.add(waiter)
      if (signal === undefined) return
      const leave = () => {
        this.#queue.delete(waiter)
        reject(abortedError(this.#operation, this.#url, signal.reason))
      }
      signal.addEventListener('abort', leave, { once: true })
      waiter.commit = () => signal.removeEventListener('abort', leave)
    })
  }

  /** The one whose turn it is. */
  first(): Waiter<T, D> | undefined {
    for (const waiter of this.#queue) return waiter
    return undefined
  }

  /** Takes the one whose turn it is out of the queue; its signal no longer counts. */
  shift(): Waiter<T, D> | undefined {
    const waiter = this.first()
    if (waiter === undefined) return undefined
    this.#queue.delete(waiter)
    waiter.commit?.()
    return waiter
  }

  resolveAll(value: T): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.resolve(value)
  }

  rejectAll(error: unknown): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.reject(error)
  }
}
