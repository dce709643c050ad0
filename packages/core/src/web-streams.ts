import type { Channel } from './channel.js'
import { Directions, type StreamOptions } from './directions.js'
import { StraitError } from './error.js'

/** The two directions of a channel as WHATWG streams; https://streams.spec.whatwg.org. */
export interface WebStreams {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}

/**
 * A channel as a pair of WHATWG streams. From then on the channel is theirs.
 *
 * - Backpressure: nothing is read before somebody asks; a write resolves when its chunk has left this process.
 * - Ends: the peer's clean end closes `readable`. Closing `writable` closes the channel behind everything written, and
 *   what is unread is dropped: `readable` then fails with `CLOSED` if it had not come to its end, so that a stream which
 *   was cut is never taken for a whole one. With `allowHalfOpen` it reads on.
 * - Abort: `abort(reason)` and `cancel(reason)` abort the channel, both directions, at once.
 * - Ownership: a chunk must stay as it is until its write has resolved.
 * - Errors: those of `send` and `receive`; a failed write fails `writable`. A chunk that is no `Uint8Array` is a
 *   `TypeError`, and fails it too. A `TypeError` is thrown for `objectMode` together with `allowHalfOpen`.
 */
export function toWebStreams(channel: Channel, options: StreamOptions = {}): WebStreams {
  const directions = new Directions(channel, options)
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await directions.read()
        if (chunk !== undefined) controller.enqueue(chunk)
        else if (directions.cut) throw cutError(channel)
        else controller.close()
      },
      cancel: (reason) => channel.abort(reason),
    },
    { highWaterMark: 0 },
  )
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      // Not `abort` of the sink, which waits for a write that waits for the peer.
      const { signal } = controller as unknown as { signal: AbortSignal }
      signal.addEventListener('abort', () => channel.abort(signal.reason), { once: true })
    },
    write: (chunk) => directions.write(chunk),
    close: () => directions.end(),
  })
  return { readable, writable }
}

function cutError({ url }: Channel): StraitError {
  const reason = 'this end has closed the channel, and dropped what was unread'
  return new StraitError('CLOSED', reason, { operation: 'receive', url })
}
