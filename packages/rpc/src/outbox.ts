import type { Channel } from '@strait/core'
import { LONG, type OutgoingFrame, TOGETHER, writeFrame } from './frame.js'

const DONE = Promise.resolve()

/** It is crowded when so many bytes wait. */
const CROWD = 1_048_576

/**
 * What is to be sent, in order. Frames that are put here before the event loop goes on travel together, in one message;
 * none waits for another one to come.
 *
 * - Backpressure: none here; `crowded` tells. Who calls more than the other end does has the calls in memory until then.
 * - Errors: a failure to send is one of the channel, which its receives come to; from then on, what is put here is dropped.
 */
export class Outbox {
  readonly #channel: Channel
  readonly #full: number
  /** Frames are written here; where there are none, nothing is to be sent. */
  readonly #buffer: Uint8Array
  readonly #view: DataView
  #used = 0
  /** Whole messages that the channel has not taken yet. */
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #scheduled = false
  #sending = false
  #failed = false
  readonly #onEmpty = new Set<() => void>()

  constructor(channel: Channel) {
    this.#channel = channel
    this.#full = Math.min(TOGETHER, channel.capabilities.maxMessageSize)
    this.#buffer = new Uint8Array(this.#full)
    this.#view = new DataView(this.#buffer.buffer)
  }

  /** `length`: `lengthOf` it. The bytes of long buffers must not change until they have left. */
  put(frame: OutgoingFrame, length: number): void {
    if (this.#failed) return
    if (this.#used > 0 && this.#used + length > this.#full) this.#seal()
    if (length > this.#full) {
      const alone = new Uint8Array(length)
      writeFrame(frame, length, alone, new DataView(alone.buffer), 0)
      this.#wait(alone)
    } else {
      writeFrame(frame, length, this.#buffer, this.#view, this.#used)
      this.#used += length
    }
    if (frame.buffers !== undefined) {
      for (const { bytes } of frame.buffers) {
        if (bytes.length < LONG) continue
        this.#seal()
        this.#wait(bytes)
      }
    }
    if (this.#scheduled || this.#sending) return
    this.#scheduled = true
    // Several times as fast as queueMicrotask, which has a context for each.
    void DONE.then(this.#send)
  }

  /** What has been gathered is a message; the next frame begins another one. */
  #seal(): void {
    if (this.#used === 0) return
    this.#wait(this.#buffer.slice(0, this.#used))
    this.#used = 0
  }

  #wait(message: Uint8Array): void {
    this.#waiting.push(message)
    this.#waitingBytes += message.length
  }

  #shift(): Uint8Array {
    const message = this.#waiting.shift()!
    this.#waitingBytes -= message.length
    return message
  }

  /** More waits than whoever may go slower should add to. */
  get crowded(): boolean {
    return this.#waitingBytes > CROWD
  }

  /** Resolves when all has been taken, or nothing will be. */
  emptied(): Promise<void> {
    return new Promise((resolve) => {
      if (this.flush(resolve) || this.#failed) resolve()
    })
  }

  /**
   * Sends what there is now. Whether the channel has taken all of it; if not, `onEmpty` is called when it has, or has failed.
   */
  flush(onEmpty?: () => void): boolean {
    if (!this.#sending) this.#send()
    if (this.#failed) return false
    const empty = !this.#sending && this.#used === 0
    if (!empty && onEmpty !== undefined) this.#onEmpty.add(onEmpty)
    return empty
  }

  readonly #fail = (): void => {
    this.#failed = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#used = 0
    this.#empty()
  }

  #empty(): void {
    if (this.#onEmpty.size === 0) return
    const waiting = [...this.#onEmpty]
    this.#onEmpty.clear()
    for (const callback of waiting) callback()
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
        this.#shift()
      }
      // The buffer is ours again at once.
      if (this.#used > 0 && this.#channel.trySend(this.#buffer.subarray(0, this.#used))) this.#used = 0
    } catch {
      this.#fail()
      return
    }
    this.#seal()
    if (this.#waiting.length > 0) this.#sendLater()
  }

  #sendLater(): void {
    this.#sending = true
    this.#channel.send(this.#shift()).then(() => {
      this.#sending = false
      this.#send()
      if (!this.#sending) this.#empty()
    }, this.#fail)
  }
}
