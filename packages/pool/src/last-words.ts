import type { Readable } from 'node:stream'

/** So many characters. */
const KEPT = 2_000
/** How long after a worker's end its last words may take, in ms: somebody else may have the stream open. */
const LATE = 200

/** What a worker wrote to stderr last. All of it goes on to stderr here. */
export class LastWords {
  #text = ''
  readonly #ended: Promise<void>

  constructor(stream: Readable | null | undefined) {
    this.#ended = new Promise((resolve) => {
      if (!stream) {
        resolve()
        return
      }
      stream.on('data', (bytes: Buffer) => {
        process.stderr.write(bytes)
        this.#text = (this.#text + bytes.toString()).slice(-KEPT)
      })
      stream.once('close', resolve)
      stream.once('error', resolve)
      // Of a process it is a socket.
      if ('unref' in stream) (stream as { unref(): void }).unref()
    })
  }

  /** After its end. */
  async read(): Promise<string> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LATE)
    })
    await Promise.race([this.#ended, late])
    clearTimeout(timer)
    return this.#text.trimEnd()
  }
}
