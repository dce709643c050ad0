import type { ChannelOptions } from '../../src/channel.js'
import type { StraitError } from '../../src/error.js'
import { HEADER_SIZE, writeHeader, writeUint32 } from '../../src/frame.js'
import { framed } from '../../src/framed.js'
import type { Role } from '../../src/handshake.js'
import { type ByteLink, type Link, type LinkEvents, NO_EVENTS } from '../../src/link.js'

export const url = new URL('mem:test')

/** A byte stream whose every move the test makes. */
export class ScriptedBytes implements ByteLink {
  events: LinkEvents = NO_EVENTS
  /** Everything that has left, in order. */
  readonly left: Uint8Array[] = []
  destroyed = 0
  /** Whether the next write leaves at once. */
  accept: () => boolean = () => true
  readonly #incoming: Uint8Array[] = []
  #leaving: { arrays: Uint8Array[]; snapshot: Uint8Array } | undefined

  read(): Uint8Array | undefined {
    return this.#incoming.shift()
  }

  write(head: Uint8Array, more = new Uint8Array(0)): boolean {
    const bytes = more.length === 0 ? head : join(head, more)
    if (this.#leaving !== undefined) throw new Error('written before writable')
    if (bytes.length === 0) throw new Error('written without bytes')
    if (this.accept()) {
      this.left.push(bytes.slice())
      return true
    }
    this.#leaving = { arrays: [head, more], snapshot: bytes.slice() }
    return false
  }

  get busy(): boolean {
    return this.#leaving !== undefined
  }

  /** What was refused to leave at once has left. */
  release(): void {
    const { arrays, snapshot } = this.#leaving!
    if (Buffer.compare(join(...arrays), snapshot) !== 0) throw new Error('changed while it was leaving')
    this.left.push(snapshot)
    this.#leaving = undefined
    this.events.writable()
  }

  deliver(...chunks: Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#incoming.push(chunk)
      this.events.readable()
    }
  }

  /** Chunks that lie there already and are not announced. */
  place(...chunks: Uint8Array[]): void {
    this.#incoming.push(...chunks)
  }

  end(error?: StraitError): void {
    this.events.end(error)
  }

  fail(error: StraitError): void {
    this.events.fail(error)
  }

  destroy(): void {
    this.destroyed++
  }

  ref(): void {}
  unref(): void {}
}

export const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

export function frame(
  kind: number,
  payload: Uint8Array = new Uint8Array(0),
  length = payload.length,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + payload.length)
  writeHeader(bytes, 0, kind as 0, length)
  bytes.set(payload, HEADER_SIZE)
  return bytes
}

export function preface({
  version = 1,
  flags = 0,
  max = 16 * 1024 * 1024,
  nonce = new Uint8Array(0),
} = {}): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(new TextEncoder().encode('STRAIT'))
  bytes[6] = version
  bytes[7] = flags
  writeUint32(bytes, 8, max)
  return join(bytes, nonce)
}

/** A link over scripted bytes whose peer has greeted. */
export async function greeted(
  options: ChannelOptions = {},
  role: Role = 'connect',
): Promise<{ bytes: ScriptedBytes; link: Link }> {
  const bytes = new ScriptedBytes()
  const linking = framed(bytes, role, url, options)
  bytes.deliver(preface({ max: 1024 * 1024 * 1024 }))
  const link = await linking
  bytes.left.length = 0
  return { bytes, link }
}

/** Reads a link to its end and remembers what happened. */
export class Witness implements LinkEvents {
  readonly messages: Uint8Array[] = []
  readonly ends: (StraitError | undefined)[] = []
  readonly failures: StraitError[] = []
  writables = 0
  readonly #link: Link

  constructor(link: Link) {
    this.#link = link
    link.events = this
    this.readable()
  }

  readable(): void {
    for (let message = this.#link.read(); message !== undefined; message = this.#link.read())
      this.messages.push(message)
  }

  writable(): void {
    this.writables++
  }

  end(error?: StraitError): void {
    this.ends.push(error)
  }

  fail(error: StraitError): void {
    this.failures.push(error)
  }
}
