/** Where the addon puts what it receives, one payload behind the other. Messages are views of it. */
export class Slab {
  readonly bytes: Uint8Array
  readonly #size: number
  /** V8 takes its time to say it of a view. */
  readonly #buffer: ArrayBufferLike
  #offset = 0

  /** What stands there in the beginning is undefined. */
  constructor(size: number) {
    this.#size = size
    this.#buffer = Buffer.allocUnsafeSlow(size).buffer
    this.bytes = new Uint8Array(this.#buffer)
  }

  /** Who moves one message to another thread, or to another buffer, moves all. */
  get gone(): boolean {
    return this.bytes.length < this.#size
  }

  /** The payload that was put there last. */
  take(length: number): Uint8Array {
    const offset = this.#offset
    // So that a view of numbers may begin there; the addon counts in the same way.
    this.#offset = (offset + length + 7) & ~7
    return new Uint8Array(this.#buffer, offset, length)
  }
}
