import { StraitError } from '@strait/core'

/** What a frame says. Answers to a call bear its number. */
export const Kind = {
  /** Do this, and answer. */
  CALL: 1,
  /** Do this; nobody waits for an answer. */
  NOTIFY: 2,
  /** Nobody waits for the answer any more. */
  CANCEL: 3,
  /** Do this, and send the values that it yields. */
  ITERATE: 4,
  /** Of an iteration: `ITEMS` more values may be sent. */
  MORE: 5,
  /** The call of this number is to be done within so many ms: u32, in the body. */
  WITHIN: 6,
  RESULT: 7,
  ERROR: 8,
  /** Of an iteration: one value; */
  ITEM: 9,
  /** and there are no more. */
  END: 10,
} as const

export type Kind = (typeof Kind)[keyof typeof Kind]

/** Frames travel together up to so many bytes in all; a larger one is a message of its own. */
export const TOGETHER = 65_536

/** What a frame has at most, with all its buffers: more than fits into memory is not asked for. */
export const MOST = 2 ** 30

/** How many buffers it has at most. */
export const MOST_BUFFERS = 2 ** 16 - 1

/** What MORE allows. Who iterates says it twice at first. */
export const ITEMS = 8

/**
 * A message of a channel is one frame, or several back to back:
 *
 *   0              4        5        6             8           12
 *   +--------------+--------+--------+-------------+-----------+------+---------+-------+---------+
 *   | length, u32  | kind   | name   | buffers     | call, u32 | name | buffers | body  | bytes   |
 *   +--------------+--------+--------+-------------+-----------+------+---------+-------+---------+
 *     of all that    u8       length   u16                       UTF-8  8 each            of the
 *     follows                 u8                                                          buffers
 *
 * All numbers are little-endian. `body` is what the codec makes of the value. Buffers, the `Uint8Array`s of a value, are
 * not the codec's: each has its place in the value (u32: which argument) and its length (u32); their bytes follow. The
 * bytes of a long one are a message of their own instead, behind this one; then the highest bit of its place is set.
 */
export const HEADER = 12
const BUFFER = 8

/** From so many bytes on, a buffer travels alone, and is copied by nobody on the way. */
export const LONG = 32_768

const ALONE = 2 ** 31

export interface OutgoingFrame {
  readonly kind: Kind
  readonly call: number
  /** UTF-8, at most 255 bytes. */
  readonly name?: Uint8Array | undefined
  /** Of an answer, in place of a name: how long the call has run. */
  readonly ms?: number | undefined
  readonly body?: Body | undefined
  readonly buffers?: readonly PlacedBuffer[] | undefined
}

/** Bytes, or something that writes itself where it travels. */
export type Body = Uint8Array | SelfWriting

export interface SelfWriting {
  /** Of what it writes, in bytes. */
  readonly length: number
  writeTo(target: Uint8Array, at: number): void
}

export interface PlacedBuffer {
  readonly place: number
  readonly bytes: Uint8Array
}

export interface IncomingFrame {
  readonly kind: number
  readonly call: number
  /** It has its name from `nameAt` on and its body from `bodyAt` to `bodyEnd`; no view of either is made without need. */
  readonly message: Uint8Array
  readonly nameAt: number
  readonly nameLength: number
  readonly bodyAt: number
  readonly bodyEnd: number
  /** How long the call has run, in ms, in the place of a name: an answer may have that. */
  readonly ms: number | undefined
  readonly buffers: PlacedBuffer[]
  /** The long ones, which are yet to come, in this order. */
  readonly missing: MissingBuffer[]
}

export interface MissingBuffer {
  readonly place: number
  readonly length: number
}

/** Of most frames: one for all of them, which nobody adds to. */
const NONE = Object.freeze([]) as unknown as never[]

/** Of a f64. */
const DURATION = 8

/** How many bytes it takes, without those of long buffers. */
export function lengthOf({ name, ms, body, buffers }: OutgoingFrame): number {
  let length = HEADER + (ms === undefined ? (name?.length ?? 0) : DURATION) + (body?.length ?? 0)
  if (buffers === undefined) return length
  length += buffers.length * BUFFER
  for (const { bytes } of buffers) if (bytes.length < LONG) length += bytes.length
  return length
}

/** How many bytes whoever holds it has in memory. */
export function sizeOf({ bodyAt, bodyEnd, buffers }: IncomingFrame): number {
  let size = bodyEnd - bodyAt
  for (const { bytes } of buffers) size += bytes.length
  return size
}

/** Writes it there, where there is room for `length` bytes: `lengthOf` it. */
export function writeFrame(
  frame: OutgoingFrame,
  length: number,
  target: Uint8Array,
  view: DataView,
  at: number,
): void {
  const { kind, call, name, ms, body, buffers } = frame
  view.setUint32(at, length - 4, true)
  target[at + 4] = kind
  view.setUint16(at + 6, buffers === undefined ? 0 : buffers.length, true)
  view.setUint32(at + 8, call, true)
  let next = at + HEADER
  if (ms !== undefined) {
    view.setFloat64(next, ms, true)
    next += DURATION
  } else if (name !== undefined) {
    // Names are short: a loop is several times as fast as `set`.
    for (let index = 0; index < name.length; index++) target[next++] = name[index]!
  }
  target[at + 5] = next - at - HEADER
  if (buffers !== undefined) {
    for (const { place, bytes } of buffers) {
      view.setUint32(next, bytes.length < LONG ? place : (place | ALONE) >>> 0, true)
      view.setUint32(next + 4, bytes.length, true)
      next += BUFFER
    }
  }
  if (body !== undefined) {
    if (body instanceof Uint8Array) target.set(body, next)
    else body.writeTo(target, next)
    next += body.length
  }
  if (buffers === undefined) return
  for (const { bytes } of buffers) {
    if (bytes.length >= LONG) continue
    target.set(bytes, next)
    next += bytes.length
  }
}

/** Calls back with each frame of a message. - Errors: `CORRUPT` it has something else in it. */
export function readFrames(message: Uint8Array, url: URL, onFrame: (frame: IncomingFrame) => void): void {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  for (let at = 0; at < message.length; ) {
    const frame = at + HEADER <= message.length ? readFrame(message, view, at) : undefined
    if (frame === undefined) {
      throw corrupt(url, `${message.length} bytes that are no calls`)
    }
    const alone = at === 0
    at += 4 + view.getUint32(at, true)
    // Who keeps one of many keeps the message with it.
    if (message.length > TOGETHER && !(alone && at === message.length)) {
      throw corrupt(url, `several frames in ${message.length} bytes`)
    }
    onFrame(frame)
  }
}

function corrupt(url: URL, reason: string): StraitError {
  return new StraitError('CORRUPT', reason, { operation: 'receive', url })
}

/** undefined: its lengths lead out of it, or are more than there may be. */
function readFrame(message: Uint8Array, view: DataView, at: number): IncomingFrame | undefined {
  const end = at + 4 + view.getUint32(at, true)
  const kind = message[at + 4]!
  const nameAt = at + HEADER
  const nameLength = message[at + 5]!
  const list = nameAt + nameLength
  const body = list + view.getUint16(at + 6, true) * BUFFER
  if (body > end || end > message.length) return undefined
  const lists = body > list
  const buffers: PlacedBuffer[] = lists ? [] : NONE
  const missing: MissingBuffer[] = lists ? [] : NONE
  // From the last one backwards: their bytes are at the end, behind the body.
  let bodyEnd = end
  let toCome = 0
  for (let entry = body - BUFFER; entry >= list; entry -= BUFFER) {
    const place = view.getUint32(entry, true)
    const length = view.getUint32(entry + 4, true)
    if (place >= ALONE) {
      missing.push({ place: place - ALONE, length })
      toCome += length
    } else {
      if (bodyEnd - length < body) return undefined
      buffers.push({ place, bytes: message.subarray(bodyEnd - length, bodyEnd) })
      bodyEnd -= length
    }
  }
  if (toCome > MOST) return undefined
  if (lists) missing.reverse()
  return {
    kind,
    call: view.getUint32(at + 8, true),
    message,
    nameAt,
    nameLength,
    bodyAt: body,
    bodyEnd,
    ms: nameLength === DURATION && kind >= Kind.RESULT ? view.getFloat64(nameAt, true) : undefined,
    buffers,
    missing,
  }
}
