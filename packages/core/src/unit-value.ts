import { Kind } from './frame.js'

/** A unit where a mechanism carries structured values: a message is its bytes, any other unit is `[kind, bytes]`. */
export function unitToValue(kind: Kind, payload: Uint8Array): unknown {
  return kind === Kind.DATA ? payload : [kind, payload]
}

/** The unit that a value is, or undefined: none. */
export function valueToUnit(value: unknown): [kind: number, payload: Uint8Array] | undefined {
  // A Buffer's `slice` and `toString` mean other things.
  if (value instanceof Uint8Array) {
    return [Kind.DATA, new Uint8Array(value.buffer, value.byteOffset, value.byteLength)]
  }
  if (!Array.isArray(value) || typeof value[0] !== 'number' || !(value[1] instanceof Uint8Array))
    return undefined
  return [value[0], value[1]]
}
