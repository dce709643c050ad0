/**
 * What every payload is: one byte, repeated. Its highest bit asks the peer for an answer, the others count, so that an
 * answer to another question is noticed. A payload of 0 bytes asks when the last one that had any did, and at first.
 */
const ASKS = 0x80
const COUNT = 0x7f

/** How far apart the bytes are that a reader looks at: one in each cache line. */
const STRIDE = 64

/** Writes every byte of a payload that asks for no answer. */
export function writePayload(payload: Uint8Array, count: number): void {
  payload.fill(count & COUNT)
}

/** Writes every byte of a payload that asks for an answer. */
export function writeQuestion(payload: Uint8Array, count: number): void {
  payload.fill(ASKS | (count & COUNT))
}

/** Reads a payload, of one byte at least, and returns its byte. Throws when it is not whole. */
export function readPayload(payload: Uint8Array, size: number): number {
  const byte = payload[0]!
  let difference = payload[size - 1]! ^ byte
  for (let at = 0; at < size; at += STRIDE) difference |= payload[at]! ^ byte
  if (payload.length !== size || difference !== 0) throw new Error(`a payload of ${size} bytes was damaged`)
  return byte
}

/** Reads an answer. Throws when there is none, when it is not whole, or not that to question `count`. */
export function readAnswer(answer: Uint8Array | undefined, size: number, count: number): void {
  if (answer === undefined) throw new Error('the peer has closed the channel')
  const byte = size === 0 && answer.length === 0 ? count & COUNT : readPayload(answer, size)
  if (byte !== (count & COUNT)) throw new Error('an answer to another question')
}

/** How a peer answers. */
export class Responder {
  readonly #mayReuse: () => boolean
  #asks = true
  #answer = new Uint8Array(0)

  /** Whether the last answer is this object's again when the next is made. Otherwise that is a new one. */
  constructor(mayReuse: () => boolean = () => true) {
    this.#mayReuse = mayReuse
  }

  /** Reads a payload and makes its answer; undefined: it asks for none. */
  answer(payload: Uint8Array): Uint8Array | undefined {
    const size = payload.length
    const byte = this.read(payload)
    if (byte === undefined) return undefined
    if (size === 0) return payload
    if (this.#answer.length !== size || !this.#mayReuse()) this.#answer = new Uint8Array(size)
    writePayload(this.#answer, byte)
    return this.#answer
  }

  /** Reads a payload. What its answer counts, for `writePayload`; undefined: it asks for none. */
  read(payload: Uint8Array): number | undefined {
    if (payload.length === 0) return this.#asks ? 0 : undefined
    const byte = readPayload(payload, payload.length)
    this.#asks = (byte & ASKS) !== 0
    return this.#asks ? byte : undefined
  }
}
