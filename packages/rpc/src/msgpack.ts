import { decode, encode } from '@msgpack/msgpack'
import type { Codec } from '@strait/core'

/**
 * MessagePack, msgpack.org: smaller than JSON, with bytes, dates and 64-bit integers, for ends in whichever language.
 * What it cannot say is a `TypeError`; `undefined` becomes nil.
 */
// biome-ignore lint/suspicious/noExplicitAny: the type of what comes out is the user's claim, as with JSON.parse
export const msgpack: Codec<any> = {
  name: 'MessagePack',
  encode: (value) => encode(value, { useBigInt64: true }),
  decode: (message) => decode(message, { useBigInt64: true }),
}
