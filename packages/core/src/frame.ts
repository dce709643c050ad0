/**
 * The frame of the wire format, version 1, on every mechanism that needs one. docs/wire-format.md draws it.
 *
 * ```text
 *  0        1                    4                     8
 *  +--------+--------------------+---------------------+----------------
 *  | kind   | zero               | length, u32 LE      | payload ...
 *  +--------+--------------------+---------------------+----------------
 * ```
 */
export const HEADER_SIZE = 8

export const Kind = {
  /** A message. */
  DATA: 0,
  /** The sender will say nothing more. No payload. */
  END: 1,
  /** Asks for a PONG. No payload. */
  PING: 2,
  /** No payload. */
  PONG: 3,
  /** Grants the receiver of this frame more bytes; payload: u32 LE. Only on mechanisms without flow control. */
  CREDIT: 4,
  /** A step of the handshake, on mechanisms that keep boundaries. */
  HELLO: 5,
  /** The first part of a message that does not fit into a packet; its length, u32 LE, stands in front. */
  FIRST: 6,
  /** A further part. */
  MORE: 7,
} as const

export type Kind = (typeof Kind)[keyof typeof Kind]

export function writeHeader(target: Uint8Array, offset: number, kind: Kind, length: number): void {
  target[offset] = kind
  target[offset + 1] = 0
  target[offset + 2] = 0
  target[offset + 3] = 0
  writeUint32(target, offset + 4, length)
}

export function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value
  target[offset + 1] = value >>> 8
  target[offset + 2] = value >>> 16
  target[offset + 3] = value >>> 24
}

export function readUint32(source: Uint8Array, offset: number): number {
  return (
    (source[offset]! |
      (source[offset + 1]! << 8) |
      (source[offset + 2]! << 16) |
      (source[offset + 3]! << 24)) >>>
    0
  )
}
