import type { Channel, WaitOptions } from './channel.js'
import { StraitError } from './error.js'

/** Turns values into messages and back. */
export interface Codec<T> {
  readonly name: string
  encode(value: T): Uint8Array
  /** Throws when the bytes are not such a value. */
  decode(message: Uint8Array): T
}

/** Bytes as they are. */
export const raw: Codec<Uint8Array> = { name: 'raw', encode: (value) => value, decode: (message) => message }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** JSON in UTF-8. What JSON cannot say (undefined, a function) is a `TypeError`. */
// biome-ignore lint/suspicious/noExplicitAny: the type of what comes out is the user's claim, as with JSON.parse
export const json: Codec<any> = {
  name: 'json',
  encode(value) {
    const text = JSON.stringify(value)
    if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}`)
    return encoder.encode(text)
  },
  decode: (message) => JSON.parse(decoder.decode(message)),
}

/** A channel whose messages are values. Everything else is the channel's own. */
export interface TypedChannel<Out, In = Out> extends AsyncIterable<In>, AsyncDisposable {
  readonly channel: Channel
  trySend(value: Out): boolean
  send(value: Out, options?: WaitOptions): Promise<void>
  tryReceive(): In | undefined
  receive(options?: WaitOptions): Promise<In | undefined>
  close(options?: WaitOptions): Promise<void>
  abort(reason?: unknown): void
}

/** What a message of a channel says. One that cannot be decoded is `CORRUPT`. */
export function decodeFrom<T>(
  { url }: Channel,
  codec: Pick<Codec<T>, 'name' | 'decode'>,
  message: Uint8Array,
): T {
  try {
    return codec.decode(message)
  } catch (cause) {
    const reason = `${message.byteLength} bytes that are not ${codec.name}`
    throw new StraitError('CORRUPT', reason, { operation: 'receive', url, cause })
  }
}

/**
 * Sends and receives values instead of bytes.
 *
 * - Errors: a value that cannot be encoded is the codec's own error, and nothing is sent. A message that cannot be
 *   decoded is `CORRUPT`; it is taken, and the channel lives on.
 */
export function typed<Out, In = Out>(
  channel: Channel,
  codec: { encode(value: Out): Uint8Array; decode(message: Uint8Array): In; readonly name: string },
): TypedChannel<Out, In> {
  const decode = (message: Uint8Array | undefined) =>
    message === undefined ? undefined : decodeFrom(channel, codec, message)
  return {
    channel,
    trySend: (value) => channel.trySend(codec.encode(value)),
    send: async (value, options) => channel.send(codec.encode(value), options),
    tryReceive: () => decode(channel.tryReceive()),
    receive: async (options) => decode(await channel.receive(options)),
    close: (options) => channel.close(options),
    abort: (reason) => channel.abort(reason),
    async *[Symbol.asyncIterator]() {
      for await (const message of channel) yield decode(message) as In
    },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}
