import type { Channel } from './channel.js'
import { type Codec, decodeFrom } from './codec.js'
import type { StraitError } from './error.js'
import { afterTurn } from './event-loop.js'

/** Those to whom values are pushed. Neither may throw. */
export interface Sink<T> {
  value(value: T): void
  /** A message that cannot be decoded, `CORRUPT`: it is taken, and the channel lives on. */
  corrupt(error: StraitError): void
}

/**
 * Pushes what a channel receives to those who cannot ask for it. One value a turn of the event loop, which is the pace
 * of a `MessagePort`: what they start in a turn goes on before the next one comes.
 *
 * - Abort: no message is lost; the promise resolves.
 * - Errors: the channel's failure, behind everything that had arrived.
 */
export async function pump<T>(
  channel: Channel,
  codec: Codec<T>,
  sink: Sink<T>,
  signal?: AbortSignal,
): Promise<void> {
  while (!signal?.aborted) {
    const message = await channel.receive({ signal }).catch((error) => {
      if (!signal?.aborted) throw error
    })
    if (message === undefined) return
    deliver(message, channel, codec, sink)
    await new Promise<void>(afterTurn)
  }
}

function deliver<T>(message: Uint8Array, channel: Channel, codec: Codec<T>, sink: Sink<T>): void {
  let value: T
  try {
    value = decodeFrom(channel, codec, message)
  } catch (error) {
    sink.corrupt(error as StraitError)
    return
  }
  sink.value(value)
}
