import { decode, encode } from '@msgpack/msgpack'
import type { Codec } from '@strait/core'
import { checkClaims } from './msgpack-claims.js'

/**
 * MessagePack, msgpack.org: smaller than JSON, with bytes, dates and 64-bit integers, for ends in whichever language.
 * What it cannot say is an `Error` of its library; `undefined` becomes nil.
 */
// biome-ignore lint/suspicious/noExplicitAny: the type of what comes out is the user's claim, as with JSON.parse
export const msgpack: Codec<any> = {
  name: 'MessagePack',
  encode: (value) => encode(value, { useBigInt64: true }),
  decode: (message) => {
    checkClaims(message)
    return decode(message, { useBigInt64: true })
  },
}
