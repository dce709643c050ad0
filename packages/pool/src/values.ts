import { deserialize, serialize } from 'node:v8'
import type { AnyCodec } from '@strait/rpc/caller'
import { LAST_TAG, Plain, readPlain } from './plain.js'

/** With which V8 begins, and no text in UTF-8. */
const V8 = 0xff

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Whether JSON says all of it: no -0, no NaN, no undefined. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    default:
      return value === null
  }
}

/**
 * What structured clone can carry. Small values and short lists of them have a form of their own (`Plain`), longer ones are
 * JSON: both are several times as fast. The three are told apart by the first byte.
 */
export const values: AnyCodec = {
  name: 'structured clone',
  capture: Plain.of,
  captureList: Plain.list,
  encode(value) {
    if (isPlain(value) || (Array.isArray(value) && value.every(isPlain) && !hasHoles(value)))
      return encoder.encode(JSON.stringify(value))
    const bytes = serialize(value)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  },
  decode,
  decodeAt: (bytes, at, end) =>
    bytes[at]! <= LAST_TAG ? readPlain(bytes, at, end) : decode(bytes.subarray(at, end)),
}

function decode(bytes: Uint8Array): unknown {
  const first = bytes[0]!
  if (first === V8) return deserialize(bytes)
  return first <= LAST_TAG ? readPlain(bytes, 0, bytes.length) : JSON.parse(decoder.decode(bytes))
}

/** `every` passes over them. */
const hasHoles = (list: unknown[]) => Object.keys(list).length !== list.length
