import { Duplex } from 'node:stream'
import type { Channel } from '../channel.js'
import { Directions, type StreamOptions } from '../directions.js'

/**
 * A channel as a stream of Node. From then on the channel is the stream's.
 *
 * - Backpressure: nothing is read before somebody asks; the callback of a write comes when its chunk has left this
 *   process.
 * - Ends: the peer's clean end is `end`. `end()` closes the channel behind everything written, `finish` comes when the
 *   peer has read it all, and what is unread is dropped: the stream then closes without `end`, which `pipeline` and
 *   `finished` call a premature close, so that a stream which was cut is never taken for a whole one. With
 *   `allowHalfOpen` it reads on.
 * - Abort: `destroy(error)` aborts the channel, both directions, at once.
 * - Errors: those of `send` and `receive` destroy the stream, as Node's streams have it, and with it what is unread. A
 *   `TypeError` is thrown for `objectMode` together with `allowHalfOpen`.
 */
export function toDuplex(channel: Channel, options: StreamOptions = {}): Duplex {
  return new ChannelDuplex(channel, options)
}

type Callback = (error?: Error | null) => void

class ChannelDuplex extends Duplex {
  readonly #channel: Channel
  readonly #directions: Directions

  constructor(channel: Channel, options: StreamOptions) {
    const { objectMode = false, allowHalfOpen = false } = options
    super({ objectMode, allowHalfOpen, readableHighWaterMark: 0 })
    this.#channel = channel
    this.#directions = new Directions(channel, options)
  }

  override _read(): void {
    this.#directions.read().then(
      (chunk) => {
        if (!this.destroyed && (chunk !== undefined || !this.#directions.cut)) this.push(chunk ?? null)
      },
      (error) => this.destroy(error),
    )
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    this.#directions.write(chunk).then(() => callback(), callback)
  }

  override _final(callback: Callback): void {
    this.#directions.end().then(() => {
      if (this.#directions.cut) this.once('finish', () => this.destroy())
      callback()
    }, callback)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    if (error !== null || !this.#directions.ended) this.#channel.abort(error ?? undefined)
    void this.#channel.closed.then(() => callback(error))
  }
}
