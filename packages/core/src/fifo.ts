/** A place in a {@link Fifo}. */
interface Node<T> {
  readonly value: T
  previous: Node<T> | undefined
  next: Node<T> | undefined
  queued: boolean
}

/** A queue that any entry may leave early. Every operation takes constant time. */
export class Fifo<T> {
  #first: Node<T> | undefined
  #last: Node<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  first(): T | undefined {
    return this.#first?.value
  }

  /** Adds at the end. Returns what takes the entry out again, if it is still there. */
  push(value: T): () => void {
    const node: Node<T> = { value, previous: this.#last, next: undefined, queued: true }
    if (this.#last === undefined) this.#first = node
    else this.#last.next = node
    this.#last = node
    this.#size++
    return () => this.#remove(node)
  }

  shift(): T | undefined {
    const node = this.#first
    if (node !== undefined) this.#remove(node)
    return node?.value
  }

  #remove(node: Node<T>): void {
    if (!node.queued) return
    node.queued = false
    this.#size--
    if (node.previous === undefined) this.#first = node.next
    else node.previous.next = node.next
    if (node.next === undefined) this.#last = node.previous
    else node.next.previous = node.previous
  }
}
