import { deserialize, serialize } from 'node:v8'
import type { Codec } from '../codec.js'

/**
 * The structured clone algorithm as V8 writes it: Map, Set, Date, BigInt, typed arrays, cycles. Both ends must be
 * Node. `undefined` is a `TypeError`, because a receive says with it that the end has come.
 */
// biome-ignore lint/suspicious/noExplicitAny: the type of what comes out is the user's claim, as with JSON.parse
export const structuredClone: Codec<any> = {
  name: 'structured clone',
  encode(value) {
    if (value === undefined) throw new TypeError('undefined cannot be sent: it means the end')
    const bytes = serialize(value)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  },
  decode: (message) => deserialize(message),
}
