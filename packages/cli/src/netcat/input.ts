import { DEFAULT_MAX_MESSAGE_SIZE } from 'strait'
import { Failure } from '../exit.js'

const LINE_FEED = 0x0a

/** The messages of stdin: its lines, or its chunks as they come. What is not taken is there for the next peer. */
export class Input {
  readonly #messages: AsyncIterator<Uint8Array, undefined>
  #first: Promise<Uint8Array | 'end'> | undefined

  constructor(format: 'lines' | 'binary') {
    this.#messages = format === 'lines' ? lines(process.stdin) : chunks(process.stdin)
  }

  /** The first message that was not taken, the same one until it is. */
  peek(): Promise<Uint8Array | 'end' | 'interrupted'> {
    this.#first ??= this.#messages.next().then(({ value }) => value ?? 'end')
    const first = this.#first
    return new Promise((resolve, reject) => {
      this.interrupt = () => resolve('interrupted')
      first.then(resolve, reject)
    })
  }

  /** Lets whoever peeks go on without a message. */
  interrupt: () => void = () => {}

  take(): void {
    this.#first = undefined
  }

  /** Stops reading; otherwise a terminal would keep this process alive. */
  close(): void {
    this.#first?.catch(() => {})
    process.stdin.destroy()
  }
}

async function* chunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  for await (const chunk of source) yield chunk
}

/** Lines without their line feeds, a last one without included. A line in pieces is looked through once. */
export async function* lines(
  source: AsyncIterable<Uint8Array>,
  limit = DEFAULT_MAX_MESSAGE_SIZE,
): AsyncGenerator<Uint8Array, undefined> {
  let pieces: Uint8Array[] = []
  let size = 0
  const add = (piece: Uint8Array) => {
    pieces.push(piece)
    size += piece.length
    if (size > limit) throw new Failure(`stdin: a line has more than ${limit} bytes; see --binary`)
  }
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      add(chunk.subarray(start, end))
      yield Buffer.concat(pieces)
      pieces = []
      size = 0
      start = end + 1
    }
    if (start < chunk.length) add(chunk.subarray(start))
  }
  if (pieces.length > 0) yield Buffer.concat(pieces)
}
