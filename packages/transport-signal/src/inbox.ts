import { CELL, CREDIT, GRANT, lengthOf, sequenceOf, WINDOW } from './word.js'

const SLAB_SIZE = 16 * 1024

/** The bytes of the signals that have come, until somebody reads them. Never more than a window of signals. */
export class Inbox {
  #slab = new Uint8Array(0)
  #from = 0
  #until = 0
  #expected = 0
  /** Signals with payload that lie here, that were read since the last credit, and that may still come. */
  #unread = 0
  #read = 0
  #open = WINDOW
  #credits = 0

  get isEmpty(): boolean {
    return this.#unread === 0
  }

  /** Takes in a word; returns what is wrong with it, if anything. */
  take(words: Uint8Array, at: number): string | undefined {
    const sequence = sequenceOf(words, at)
    if (sequence !== this.#expected) return `sent signal ${sequence} where ${this.#expected} was due`
    this.#expected = (sequence + 1) & 0xff
    const length = lengthOf(words, at)
    if (length === CREDIT) {
      this.#credits++
      return undefined
    }
    if (length > CELL) return `sent a signal with ${length} bytes, which has room for ${CELL}`
    if (this.#open === 0) return 'sent more signals than it was allowed to'
    this.#open--
    this.#unread++
    if (this.#slab.length - this.#until < CELL) this.#renew()
    for (let i = 0; i < length; i++) this.#slab[this.#until++] = words[at + i]!
    return undefined
  }

  /** The end of a slab is reached: what is unread moves. What was read stays with whoever has it. */
  #renew(): void {
    const slab = new Uint8Array(SLAB_SIZE)
    slab.set(this.#slab.subarray(this.#from, this.#until))
    this.#slab = slab
    this.#until -= this.#from
    this.#from = 0
  }

  /** Everything that has come since, or undefined. The bytes are the caller's and never change. */
  read(): Uint8Array | undefined {
    if (this.#unread === 0) return undefined
    const bytes = new Uint8Array(this.#slab.buffer, this.#from, this.#until - this.#from)
    this.#from = this.#until
    this.#read += this.#unread
    this.#unread = 0
    return bytes
  }

  /** How many credits the other end has given since, each worth a {@link GRANT}. */
  takeCredits(): number {
    const credits = this.#credits
    this.#credits = 0
    return credits
  }

  /** How many credits are to be given to the other end, for what was read. */
  takeDue(): number {
    const due = Math.floor(this.#read / GRANT)
    this.#read -= due * GRANT
    this.#open += due * GRANT
    return due
  }
}
