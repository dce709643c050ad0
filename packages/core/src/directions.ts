import type { Channel } from './channel.js'
import { StraitError } from './error.js'

/** How a channel is seen as streams. */
export interface StreamOptions {
  /**
   * One chunk is one message, the empty one included. Default: false, a stream of bytes. Then a chunk longer than
   * `maxMessageSize` is sent as several messages, and an empty one means nothing.
   */
  objectMode?: boolean | undefined
  /**
   * Whether one direction can end before the other. A channel closes as a whole, so both programs must agree on this:
   * an empty message then says that the bytes of a direction have ended, and the channel is closed when both have.
   * Not together with `objectMode`, where an empty message is a message. Default: false.
   */
  allowHalfOpen?: boolean | undefined
}

const NO_BYTES = new Uint8Array(0)

/** The two directions of a channel, each with an end of its own: what is common to Node's streams and the Web's. */
export class Directions {
  readonly #channel: Channel
  readonly #objectMode: boolean
  readonly #allowHalfOpen: boolean
  #inputEnded = false
  #outputEnded = false
  #peerClosed = false
  #cut = false

  constructor(channel: Channel, { objectMode = false, allowHalfOpen = false }: StreamOptions) {
    if (objectMode && allowHalfOpen)
      throw new TypeError('allowHalfOpen needs the empty message, which objectMode hands out')
    this.#channel = channel
    this.#objectMode = objectMode
    this.#allowHalfOpen = allowHalfOpen
  }

  /** This end closed first: what the peer still had to say was dropped, and what was read may not be the whole. */
  get cut(): boolean {
    return this.#cut
  }

  /** Both directions have ended cleanly, so `close` is only a matter of time. */
  get ended(): boolean {
    return this.#inputEnded && this.#outputEnded
  }

  /** The next chunk, or undefined: the incoming direction has ended, cleanly or `cut`. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = await this.#channel.receive()
      if (message === undefined) {
        this.#peerClosed = !this.#cut
        break
      }
      if (message.byteLength > 0 || this.#objectMode) return message
      if (this.#allowHalfOpen) break
    }
    this.#inputEnded = !this.#cut
    this.#finish()
    return undefined
  }

  /** Resolves when the chunk has left this process. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#objectMode || !(chunk instanceof Uint8Array)) return this.#channel.send(chunk)
    const size = Math.max(1, this.#channel.capabilities.maxMessageSize)
    for (let at = 0; at < chunk.byteLength; at += size) {
      await this.#channel.send(chunk.subarray(at, at + size))
    }
  }

  /**
   * Ends the outgoing direction behind everything written, and the incoming one too unless it may stay open.
   *
   * - Errors: the channel's failure: the peer did not come to read our end.
   */
  async end(): Promise<void> {
    if (this.#allowHalfOpen && !this.#peerClosed) {
      await this.#channel.send(NO_BYTES).catch((error) => {
        if (!StraitError.is(error, 'CLOSED')) throw error
      })
    } else {
      this.#cut = !this.#inputEnded
      await this.#channel.close()
      const { error } = await this.#channel.closed
      if (error !== undefined) throw error
    }
    this.#outputEnded = true
    this.#finish()
  }

  #finish(): void {
    if (this.ended) void this.#channel.close()
  }
}
