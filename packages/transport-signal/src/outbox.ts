import { CELL, CREDIT, GRANT, WINDOW, WORD, writeWord } from './word.js'

/** The most that can go at once: a window, and the credits that one window can earn. */
const MOST = WINDOW + WINDOW / GRANT

/** Packed and sent before anybody else can come. */
export const words: Uint8Array = new Uint8Array(MOST * WORD)
const bytes = new Uint8Array(WINDOW * CELL)

/** What is to be sent, in two arrays and as credits, cut into signals as far as they may go. */
export class Outbox {
  #first: Uint8Array | undefined
  #second: Uint8Array | undefined
  #length = 0
  #offset = 0
  /** Of both arrays, how many signals with payload may go. */
  #window = WINDOW
  #credits = 0
  #sequence = 0

  /** Something of the two arrays is left. */
  get isLoaded(): boolean {
    return this.#first !== undefined
  }

  /** Both arrays stay as they are until everything is gone. */
  load(first: Uint8Array, second: Uint8Array | undefined): void {
    this.#offset = 0
    this.#length = first.length + (second?.length ?? 0)
    this.#first = this.#length > 0 ? first : undefined
    this.#second = second
  }

  /** The other end allows so much more; false: it cannot have meant that. */
  grant(credits: number): boolean {
    this.#window += credits * GRANT
    return this.#window <= WINDOW
  }

  /** So many credits are to go, in front of everything else. */
  owe(credits: number): void {
    this.#credits += credits
  }

  /** Packs into `words` what may go now, for that channel of the other end; returns how many words. */
  pack(channel: number): number {
    const credits = Math.min(this.#credits, MOST - WINDOW)
    const rest = this.#first === undefined ? 0 : this.#length - this.#offset
    const cells = Math.min(this.#window, Math.ceil(rest / CELL))
    const length = Math.min(rest, cells * CELL)
    if (length > 0) this.#gather(length)
    for (let index = 0; index < credits + cells; index++) {
      const at = index * WORD
      const from = (index - credits) * CELL
      const inside = index < credits ? CREDIT : Math.min(CELL, length - from)
      for (let i = 0; i < CELL; i++) words[at + i] = i < inside ? bytes[from + i]! : 0
      writeWord(words, at, channel, inside, (this.#sequence + index) & 0xff)
    }
    return credits + cells
  }

  /** The first so many of the words that were packed last have gone. */
  went(count: number): void {
    const credits = Math.min(count, this.#credits, MOST - WINDOW)
    this.#credits -= credits
    this.#window -= count - credits
    this.#sequence += count
    this.#offset += (count - credits) * CELL
    if (this.#offset >= this.#length) this.clear()
  }

  clear(): void {
    this.#first = undefined
    this.#second = undefined
    this.#length = 0
    this.#offset = 0
  }

  /** Copies the next bytes of both arrays into `bytes`. */
  #gather(length: number): void {
    const first = this.#first!
    const ofFirst = Math.max(0, Math.min(length, first.length - this.#offset))
    bytes.set(first.subarray(this.#offset, this.#offset + ofFirst))
    if (ofFirst === length) return
    const from = this.#offset + ofFirst - first.length
    bytes.set(this.#second!.subarray(from, from + length - ofFirst), ofFirst)
  }
}
