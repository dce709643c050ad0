import { createReadStream } from 'node:fs'

const SPACE = 0x20
const NEWLINE = 0x0a

/** The bytes of files one after another, in pieces of about this size that end where a word does. */
export async function* pieces(paths: readonly string[], size: number): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    let rest: Uint8Array = new Uint8Array()
    for await (const bytes of createReadStream(path, { highWaterMark: size })) {
      const text = Buffer.concat([rest, bytes])
      const end = Math.max(text.lastIndexOf(SPACE), text.lastIndexOf(NEWLINE)) + 1
      if (end > 0) yield text.subarray(0, end)
      rest = text.subarray(end)
    }
    if (rest.length > 0) yield rest
  }
}
