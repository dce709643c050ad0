/**
 * Values that nobody can change, and lists of them: what most jobs take and return. They are written where they travel,
 * without an array for each, in a form of their own:
 *
 *   one byte  what it is
 *   whole     4 bytes, signed       number  8 bytes, IEEE 754
 *   latin1    1 byte length, then 1 byte for each unit
 *   list      1 byte length, then the values
 *
 * All numbers are little-endian.
 */
const Tag = {
  UNDEFINED: 0,
  NULL: 1,
  FALSE: 2,
  TRUE: 3,
  WHOLE: 4,
  NUMBER: 5,
  LATIN1: 6,
  LIST: 7,
} as const

/** Text begins behind these, and V8's own form at 255. */
export const LAST_TAG = Tag.LIST

/** Of a list, and of a text in it. */
const LONGEST_LIST = 16
const LONGEST_TEXT = 64

const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

/** How many bytes it takes; 0: it is none of these. */
function lengthOf(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return isWhole(value) ? 5 : 9
    case 'string':
      return isLatin1(value) ? 2 + value.length : 0
    case 'boolean':
    case 'undefined':
      return 1
    default:
      return value === null ? 1 : 0
  }
}

const isWhole = (value: number) => (value | 0) === value && (value !== 0 || 1 / value > 0)

function isLatin1(text: string): boolean {
  if (text.length > LONGEST_TEXT) return false
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 255) return false
  return true
}

/** Such a value, as it was. */
export class Plain {
  readonly length: number
  readonly #value: unknown

  private constructor(value: unknown, length: number) {
    this.#value = value
    this.length = length
  }

  /** undefined: it is none of these. */
  static of(value: unknown): Plain | undefined {
    const length = lengthOf(value)
    return length === 0 ? undefined : new Plain(value, length)
  }

  /** Of the values alone; the list itself may have holes, and more than its values. */
  static list(values: readonly unknown[]): Plain | undefined {
    if (values.length > LONGEST_LIST) return undefined
    const copy = values.slice()
    let length = 2
    for (let at = 0; at < values.length; at++) {
      const added = lengthOf(copy[at])
      if (added === 0) return undefined
      length += added
    }
    return new Plain(copy, length)
  }

  writeTo(target: Uint8Array, at: number): void {
    const value = this.#value
    if (!Array.isArray(value)) {
      write(value, target, at)
      return
    }
    target[at++] = Tag.LIST
    target[at++] = value.length
    for (let index = 0; index < value.length; index++) at = write(value[index], target, at)
  }
}

/** Where the next one goes. */
function write(value: unknown, target: Uint8Array, at: number): number {
  if (typeof value === 'number') {
    if (isWhole(value)) {
      target[at] = Tag.WHOLE
      target[at + 1] = value
      target[at + 2] = value >> 8
      target[at + 3] = value >> 16
      target[at + 4] = value >> 24
      return at + 5
    }
    target[at++] = Tag.NUMBER
    float[0] = value
    for (let byte = 0; byte < 8; byte++) target[at++] = floatBytes[byte]!
    return at
  }
  if (typeof value === 'string') {
    target[at++] = Tag.LATIN1
    target[at++] = value.length
    for (let unit = 0; unit < value.length; unit++) target[at++] = value.charCodeAt(unit)
    return at
  }
  target[at] = value === undefined ? Tag.UNDEFINED : value === null ? Tag.NULL : value ? Tag.TRUE : Tag.FALSE
  return at + 1
}

/** Where the next value stands: reading has one result more than it can return. */
let next = 0

/** What stands there. - Errors: `RangeError` nothing that `Plain` has written. */
export function readPlain(bytes: Uint8Array, at: number, end: number): unknown {
  next = at
  const value = bytes[at] === Tag.LIST ? readList(bytes) : read(bytes)
  if (next !== end) throw new RangeError('no value')
  return value
}

function readList(bytes: Uint8Array): unknown[] {
  const length = bytes[next + 1]!
  next += 2
  if (!(length <= LONGEST_LIST)) throw new RangeError('no list')
  const list: unknown[] = []
  for (let index = 0; index < length; index++) list.push(read(bytes))
  return list
}

function read(bytes: Uint8Array): unknown {
  const at = next
  switch (bytes[at]) {
    case Tag.WHOLE:
      next = at + 5
      return bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24)
    case Tag.NUMBER:
      for (let byte = 0; byte < 8; byte++) floatBytes[byte] = bytes[at + 1 + byte]!
      next = at + 9
      return float[0]
    case Tag.LATIN1:
      return readText(bytes, at + 2, bytes[at + 1]!)
    case Tag.UNDEFINED:
      next = at + 1
      return undefined
    case Tag.NULL:
      next = at + 1
      return null
    case Tag.FALSE:
    case Tag.TRUE:
      next = at + 1
      return bytes[at] === Tag.TRUE
    default:
      throw new RangeError('no value')
  }
}

function readText(bytes: Uint8Array, at: number, length: number): string {
  next = at + length
  if (!(next <= bytes.length)) throw new RangeError('no text')
  let text = ''
  for (; at < next; at++) text += String.fromCharCode(bytes[at]!)
  return text
}
