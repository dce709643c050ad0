import type { Socket } from 'node:net'

/** Calls back with every message of a fixed size that comes out of a socket. A message that came whole is not copied. */
export function onMessages(socket: Socket, size: number, callback: (message: Uint8Array) => void): void {
  const part = new Uint8Array(size)
  let filled = 0
  socket.on('data', (chunk: Buffer) => {
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
    }
  })
}
