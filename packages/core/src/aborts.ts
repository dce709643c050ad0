/** Who waits with which signal: one listener a signal, however many there are. */
export class Aborts<T> {
  readonly #onAbort: (items: ReadonlySet<T>, signal: AbortSignal) => void
  readonly #signals = new Map<AbortSignal, { items: Set<T>; listener: () => void }>()

  /** `onAbort` gets all that wait with a signal, once; they have been forgotten by then. */
  constructor(onAbort: (items: ReadonlySet<T>, signal: AbortSignal) => void) {
    this.#onAbort = onAbort
  }

  /** From now on it is told. The signal is not aborted yet. */
  add(signal: AbortSignal, item: T): void {
    const known = this.#signals.get(signal)
    if (known !== undefined) {
      known.items.add(item)
      return
    }
    const items = new Set([item])
    const listener = () => {
      this.#signals.delete(signal)
      this.#onAbort(items, signal)
    }
    this.#signals.set(signal, { items, listener })
    signal.addEventListener('abort', listener, { once: true })
  }

  /** It does not wait any more. */
  delete(signal: AbortSignal, item: T): void {
    const known = this.#signals.get(signal)
    if (known === undefined) return
    known.items.delete(item)
    if (known.items.size > 0) return
    this.#signals.delete(signal)
    signal.removeEventListener('abort', known.listener)
  }
}
