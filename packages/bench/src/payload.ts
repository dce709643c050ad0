/**
 * What every payload is: one byte, repeated. Its highest bit asks the peer for an answer, the others count, so that an
 * answer to another question is noticed.
 */
const ASKS = 0x80

/** How far apart the bytes are that a reader looks at: one in each cache line. */
const STRIDE = 64

/** Writes every byte of a payload that asks for no answer. */
export function writePayload(payload: Uint8Array, count: number): void {
  payload.fill(count & 0x7f)
}

/** Writes every byte of a payload that asks for an answer. */
export function writeQuestion(payload: Uint8Array, count: number): void {
  payload.fill(ASKS | (count & 0x7f))
}

/** Reads a payload and returns its byte. Throws when it is not whole. */
export function readPayload(payload: Uint8Array, size: number): number {
  const byte = payload[0]!
  let difference = payload[size - 1]! ^ byte
  for (let at = 0; at < size; at += STRIDE) difference |= payload[at]! ^ byte
  if (payload.length !== size || difference !== 0) throw new Error(`a payload of ${size} bytes was damaged`)
  return byte
}

export function isQuestion(byte: number): boolean {
  return (byte & ASKS) !== 0
}
