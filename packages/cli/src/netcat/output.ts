import { once } from 'node:events'
import { complain } from '../terminal.js'

/** `lines`: a message a line. `binary`: the bytes as they are. `json`: an object a line, of messages and events. */
export type Format = 'lines' | 'binary' | 'json'

const LINE_FEED = new Uint8Array([0x0a])
const strict = new TextDecoder('utf-8', { fatal: true })

/** Messages to stdout, and what happens beside them: to stderr for people, to stdout as JSON. */
export class Output {
  readonly #format: Format
  readonly #signal: AbortSignal

  constructor(format: Format, signal: AbortSignal) {
    this.#format = format
    this.#signal = signal
  }

  /** Resolves when stdout takes more. Rejects when nobody wants it any more. */
  async message(message: Uint8Array): Promise<void> {
    if (this.#format === 'binary') await this.#write(message)
    else if (this.#format === 'lines') await this.#write(Buffer.concat([message, LINE_FEED]))
    else await this.event('message', textOrBase64(message))
  }

  /** `people` is what stderr says, where it says anything. */
  async event(event: string, details: object, people?: string): Promise<void> {
    if (this.#format === 'json') await this.#write(`${JSON.stringify({ event, ...details })}\n`)
    else if (people !== undefined) complain(people)
  }

  async #write(data: Uint8Array | string): Promise<void> {
    this.#signal.throwIfAborted()
    if (!process.stdout.write(data)) await once(process.stdout, 'drain', { signal: this.#signal })
  }
}

function textOrBase64(message: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: strict.decode(message) }
  } catch {
    return { base64: Buffer.from(message).toString('base64') }
  }
}
