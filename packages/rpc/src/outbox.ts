import type { Channel } from '@strait/core'
import { LONG, lengthOf, type OutgoingFrame, writeFrame } from './frame.js'

/** Frames travel together up to so many bytes, or to what a message may have. */
const FULL = 65_536

/**
 * What is to be sent, in order. Frames that are put here before the event loop goes on travel together, in one message;
 * none waits for another one to come.
 *
 * - Backpressure: none here. Who calls more than the other end does has the calls in memory until then.
 */
export class Outbox {
  readonly #channel: Channel
  readonly #onFailure: (error: unknown) => void
  readonly #full: number
  /** Frames are written here; where there are none, nothing is to be sent. */
  readonly #buffer: Uint8Array
  readonly #view: DataView
  #used = 0
  /** Whole messages that the channel has not taken yet. */
  #waiting: Uint8Array[] = []
  #scheduled = false
  #sending = false
  #onEmpty: (() => void) | undefined

  constructor(channel: Channel, onFailure: (error: unknown) => void) {
    this.#channel = channel
    this.#onFailure = onFailure
    this.#full = Math.min(FULL, channel.capabilities.maxMessageSize)
    this.#buffer = new Uint8Array(this.#full)
    this.#view = new DataView(this.#buffer.buffer)
  }

  /** The bytes of long buffers must not change until they have left. */
  put(frame: OutgoingFrame): void {
    const length = lengthOf(frame)
    if (this.#used > 0 && this.#used + length > this.#full) this.#seal()
    if (length > this.#full) {
      const alone = new Uint8Array(length)
      writeFrame(frame, alone, new DataView(alone.buffer), 0)
      this.#waiting.push(alone)
    } else {
      writeFrame(frame, this.#buffer, this.#view, this.#used)
      this.#used += length
    }
    for (const { bytes } of frame.buffers ?? []) {
      if (bytes.length < LONG) continue
      this.#seal()
      this.#waiting.push(bytes)
    }
    if (this.#scheduled || this.#sending) return
    this.#scheduled = true
    queueMicrotask(this.#send)
  }

  /** What has been gathered is a message; the next frame begins another one. */
  #seal(): void {
    if (this.#used === 0) return
    this.#waiting.push(this.#buffer.slice(0, this.#used))
    this.#used = 0
  }

  /** Sends what there is now. Whether the channel has taken all of it; if not, `onEmpty` is called when it has. */
  flush(onEmpty?: () => void): boolean {
    if (!this.#sending) this.#send()
    const empty = !this.#sending && this.#used === 0
    if (!empty && onEmpty !== undefined) this.#onEmpty = onEmpty
    return empty
  }

  readonly #send = (): void => {
    this.#scheduled = false
    if (this.#used === 0 && this.#waiting.length === 0) return
    try {
      while (this.#waiting.length > 0) {
        if (!this.#channel.trySend(this.#waiting[0]!)) {
          this.#sendLater()
          return
        }
        this.#waiting.shift()
      }
      // The buffer is ours again at once.
      if (this.#used > 0 && this.#channel.trySend(this.#buffer.subarray(0, this.#used))) this.#used = 0
    } catch (error) {
      this.#onFailure(error)
      return
    }
    this.#seal()
    if (this.#waiting.length > 0) this.#sendLater()
  }

  #sendLater(): void {
    this.#sending = true
    this.#channel.send(this.#waiting.shift()!).then(
      () => {
        this.#sending = false
        this.#send()
        if (this.#sending) return
        const onEmpty = this.#onEmpty
        this.#onEmpty = undefined
        onEmpty?.()
      },
      (error) => this.#onFailure(error),
    )
  }
}
