/** A socket, or what has its event. */
export interface ByteSource {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
}

/**
 * Calls back with every message of a fixed size that comes out of a socket. A message that came whole is not copied; one
 * that came in pieces is overwritten by the next but one that does.
 */
export function onMessages(source: ByteSource, size: number, callback: (message: Uint8Array) => void): void {
  let [part, other] = [new Uint8Array(size), new Uint8Array(size)]
  let filled = 0
  source.on('data', (chunk: Buffer) => {
    let at = 0
    while (at < chunk.length) {
      if (filled === 0 && chunk.length - at >= size) {
        callback(chunk.subarray(at, at + size))
        at += size
        continue
      }
      const count = Math.min(size - filled, chunk.length - at)
      part.set(chunk.subarray(at, at + count), filled)
      filled += count
      at += count
      if (filled < size) continue
      filled = 0
      callback(part)
      // Whoever has several under way may look at it only after this chunk.
      ;[part, other] = [other, part]
    }
  })
}
