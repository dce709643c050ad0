/** The one message that is read where it lies, and what becomes of it when the room is wanted back. */
export class Loan {
  #message: Uint8Array | undefined
  #copy: Uint8Array | undefined

  /** A message lies in the memory: those behind it can be read when it is over. */
  get isOut(): boolean {
    return this.#message !== undefined && this.#copy === undefined
  }

  begin(message: Uint8Array): Uint8Array {
    this.#message = message
    this.#copy = undefined
    return message
  }

  isOf(message: Uint8Array): boolean {
    return message === this.#message
  }

  /** The bytes of a message for who gets it now: those that are lent, or their copy. */
  bytesOf(message: Uint8Array): Uint8Array {
    return this.isOf(message) ? (this.#copy ?? message) : message
  }

  /** Whom it has not reached yet gets a copy. True: its room is free now. */
  recall(): boolean {
    if (!this.isOut) return false
    this.#copy = this.#message!.slice()
    return true
  }

  /** True: the room of the message is free now. */
  end(message: Uint8Array): boolean {
    if (!this.isOf(message)) return false
    const { isOut } = this
    this.#message = this.#copy = undefined
    return isOut
  }
}
