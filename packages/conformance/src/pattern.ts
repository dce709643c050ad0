import { createHash } from 'node:crypto'

/** The bytes of test message number `index`: any two differ, and so do any two places of one. */
export function pattern(index: number, size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4))
  let state = (index * 2654435761 + 0x9e3779b9) >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, size)
}

/** What was received, small enough to compare and to send across processes. */
export function digest(bytes: Uint8Array): string {
  return `${bytes.byteLength}:${createHash('sha1').update(bytes).digest('base64').slice(0, 12)}`
}

/** The digests of messages `first` … `first + sizes.length - 1`. */
export function expected(first: number, sizes: readonly number[]): string[] {
  return sizes.map((size, offset) => digest(pattern(first + offset, size)))
}
