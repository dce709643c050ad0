/** A place in a {@link Fifo}. */
export interface Place<T> {
  readonly value: T
  previous: Place<T> | undefined
  next: Place<T> | undefined
  queued: boolean
}

/** A queue that any entry may leave early. Every operation takes constant time. */
export class Fifo<T> {
  #first: Place<T> | undefined
  #last: Place<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  first(): Place<T> | undefined {
    return this.#first
  }

  /** Adds at the end. The place is what {@link remove} takes. */
  push(value: T): Place<T> {
    const place: Place<T> = { value, previous: this.#last, next: undefined, queued: true }
    if (this.#last === undefined) this.#first = place
    else this.#last.next = place
    this.#last = place
    this.#size++
    return place
  }

  /** Takes an entry out, if it is still there. */
  remove(place: Place<T>): void {
    if (!place.queued) return
    place.queued = false
    this.#size--
    if (place.previous === undefined) this.#first = place.next
    else place.previous.next = place.next
    if (place.next === undefined) this.#last = place.previous
    else place.next.previous = place.previous
  }
}
