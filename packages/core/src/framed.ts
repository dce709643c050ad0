import type { ChannelOptions } from './channel.js'
import { StraitError } from './error.js'
import { HEADER_SIZE, Kind, readUint32, writeHeader } from './frame.js'
import { type Agreement, handshake, type Role } from './handshake.js'
import { IdleWatch } from './idle-watch.js'
import { type ByteLink, type Link, type LinkEvents, NO_EVENTS } from './link.js'
import { StreamWire } from './stream-wire.js'

/** Messages of one turn travel together up to so many bytes. */
const GATHER_SIZE = 64 * 1024

/** From so many bytes on, a lent message is not copied: what that saves outweighs a second piece in the write. */
const LEND_SIZE = 8 * 1024

const NO_BYTES = new Uint8Array(0)

const RESOLVED = Promise.resolve()

/** The view of a chunk, always a plain Uint8Array: a Buffer's `slice` and `toString` mean other things. */
const view = (chunk: Uint8Array, offset: number, length: number) =>
  new Uint8Array(chunk.buffer, chunk.byteOffset + offset, length)

/**
 * Greets over a byte stream and makes a `Link` of it.
 *
 * - Errors: those of {@link handshake}; the byte stream is then destroyed.
 */
export async function framed(bytes: ByteLink, role: Role, url: URL, options: ChannelOptions): Promise<Link> {
  const wire = new StreamWire(bytes, role, url)
  try {
    const agreement = await handshake(wire, role, url, options)
    return frames(bytes, url, agreement, options, wire)
  } catch (error) {
    bytes.events = NO_EVENTS
    bytes.destroy()
    throw error
  }
}

/** What had come of a byte stream before the frames. */
interface Beginning {
  readonly rest: Uint8Array
  readonly ended: { error: StraitError | undefined } | undefined
}

/** Makes a `Link` of a byte stream whose ends have agreed already. */
export function frames(
  bytes: ByteLink,
  url: URL,
  agreement: Agreement,
  { idleTimeout }: ChannelOptions,
  beginning: Beginning = { rest: NO_BYTES, ended: undefined },
): Link {
  return new FramedLink(bytes, beginning, url, agreement, idleTimeout)
}

/** Frames on a byte stream. */
class FramedLink implements Link {
  events: LinkEvents = NO_EVENTS
  readonly maxMessageSize: number
  readonly #bytes: ByteLink
  readonly #url: URL

  // Incoming: a chunk being taken apart, and the frame that a chunk's end has cut.
  #chunk: Uint8Array | undefined
  #offset = 0
  readonly #header = new Uint8Array(HEADER_SIZE)
  #headerFilled = 0
  #body: Uint8Array | undefined
  #bodyFilled = 0
  #bytesEnded: { error: StraitError | undefined } | undefined
  #ended = false

  // Outgoing: frames gathered in one slab. While the mechanism still owns it, nothing more is taken.
  readonly #head = new Uint8Array(HEADER_SIZE)
  #slab = new Uint8Array(1024)
  #out: Uint8Array = NO_BYTES
  #used = 0
  #gathered = 0
  #busy = false
  #corked = false
  /** A message was taken that did not leave at once; where it leaves later in the same turn, somebody must be told. */
  #owesWritable = false
  #broken = false
  #pongDue = false
  #pingDue = false
  #endDue = false
  #shutdown: { promise: Promise<void>; resolve(): void } | undefined

  /** Our program has read everything that has come; only then does silence mean anything. */
  #starved = false
  readonly #watch: IdleWatch

  constructor(
    bytes: ByteLink,
    beginning: Beginning,
    url: URL,
    agreement: Agreement,
    idleTimeout: number | undefined,
  ) {
    this.#bytes = bytes
    this.#url = url
    this.maxMessageSize = agreement.maxMessageSize
    if (beginning.rest.length > 0) this.#chunk = beginning.rest
    this.#bytesEnded = beginning.ended
    bytes.events = {
      readable: () => {
        this.#watch.heard()
        this.events.readable()
      },
      writable: () => this.#onWritable(),
      end: (error) => {
        this.#bytesEnded = { error }
        this.events.readable()
      },
      fail: (error) => this.#onFail(error),
    }
    this.#watch = new IdleWatch(idleTimeout, {
      listening: () => this.#starved && !this.#ended,
      ping: () => {
        this.#pingDue = this.#shutdown === undefined
        this.#flush()
      },
      giveUp: (reason) => this.#stop('TIMEOUT', reason),
    })
  }

  get pending(): number {
    return this.#gathered
  }

  // Incoming

  read(): Uint8Array | undefined {
    while (!this.#ended) {
      if (this.#chunk === undefined) {
        this.#chunk = this.#bytes.read()
        this.#offset = 0
        this.#starved = this.#chunk === undefined
        if (this.#chunk === undefined) {
          // Where this very read has found the end, `events` has been told already.
          if (this.#bytesEnded !== undefined && !this.#ended) this.#hangUp(this.#bytesEnded.error)
          return undefined
        }
      }
      const chunk = this.#chunk
      const message = this.#body === undefined ? this.#readFrame(chunk) : this.#readBody(chunk, this.#body)
      if (this.#offset >= chunk.length) this.#chunk = undefined
      if (message !== undefined) return message
    }
    return undefined
  }

  /** Reads a header and, if it is whole in this chunk, its payload. */
  #readFrame(chunk: Uint8Array): Uint8Array | undefined {
    let header = chunk
    let at = this.#offset
    if (this.#headerFilled > 0 || chunk.length - at < HEADER_SIZE) {
      while (this.#headerFilled < HEADER_SIZE && this.#offset < chunk.length) {
        this.#header[this.#headerFilled++] = chunk[this.#offset++]!
      }
      if (this.#headerFilled < HEADER_SIZE) return undefined
      this.#headerFilled = 0
      header = this.#header
      at = 0
    } else {
      this.#offset += HEADER_SIZE
    }
    const kind = header[at]!
    const length = readUint32(header, at + 4)
    if ((header[at + 1]! | header[at + 2]! | header[at + 3]!) !== 0)
      return this.#corrupt('a header that is none')
    if (kind !== Kind.DATA) return this.#control(kind, length)
    if (length > this.maxMessageSize) {
      return this.#stop(
        'TOO_LARGE',
        `the peer announced a message of ${length} bytes, the limit is ${this.maxMessageSize}`,
      )
    }
    if (chunk.length - this.#offset >= length) {
      const message = view(chunk, this.#offset, length)
      this.#offset += length
      return message
    }
    this.#body = new Uint8Array(length)
    this.#bodyFilled = 0
    return this.#readBody(chunk, this.#body)
  }

  #readBody(chunk: Uint8Array, body: Uint8Array): Uint8Array | undefined {
    const count = Math.min(chunk.length - this.#offset, body.length - this.#bodyFilled)
    body.set(view(chunk, this.#offset, count), this.#bodyFilled)
    this.#offset += count
    this.#bodyFilled += count
    if (this.#bodyFilled < body.length) return undefined
    this.#body = undefined
    return body
  }

  #control(kind: number, length: number): undefined {
    if (length !== 0 || kind > Kind.PONG) {
      this.#corrupt(`a frame of kind ${kind} with ${length} bytes`)
    } else if (kind === Kind.END) {
      this.#ended = true
      this.events.end()
    } else if (kind === Kind.PING && this.#shutdown === undefined) {
      this.#pongDue = true
      this.#flush()
    }
  }

  #hangUp(cause: StraitError | undefined): void {
    if (this.#headerFilled > 0 || this.#body !== undefined) {
      this.#stop('TRUNCATED', 'the peer went away in the middle of a message', cause)
    } else {
      this.#stop('RESET', 'the peer went away without closing', cause)
    }
  }

  #corrupt(what: string): undefined {
    return this.#stop('CORRUPT', `the peer sent ${what}`)
  }

  #stop(
    code: 'TOO_LARGE' | 'CORRUPT' | 'TRUNCATED' | 'RESET' | 'TIMEOUT',
    reason: string,
    cause?: unknown,
  ): undefined {
    this.#ended = true
    this.events.end(new StraitError(code, reason, { operation: 'receive', url: this.#url, cause }))
  }

  // Outgoing

  write(message: Uint8Array, lent = false): boolean {
    if (this.#busy || this.#broken) return false
    const size = HEADER_SIZE + message.length
    const alone = lent && message.length >= LEND_SIZE
    if (alone || this.#used + size > GATHER_SIZE) {
      this.#flush()
      if (this.#busy || this.#broken) return false
    }
    this.#gathered++
    if (alone) {
      writeHeader(this.#head, 0, Kind.DATA, message.length)
      if (this.#bytes.write(this.#head, message)) this.#emptied()
      else this.#busy = true
      return true
    }
    this.#append(Kind.DATA, message)
    this.#owesWritable ||= this.#corked
    // The first message of a turn leaves at once; those behind it in the same turn travel together.
    if (!this.#corked) {
      this.#corked = true
      // Not queueMicrotask, for which Node makes an asynchronous resource each time.
      void RESOLVED.then(this.#uncork)
      this.#flush()
    }
    return true
  }

  readonly #uncork = (): void => {
    this.#corked = false
    this.#flush()
    if (!this.#owesWritable || this.#busy) return
    this.#owesWritable = false
    this.events.writable()
  }

  #append(kind: Kind, payload: Uint8Array): void {
    const end = this.#used + HEADER_SIZE + payload.length
    if (end > this.#slab.length) {
      // The slab doubles up to the size of a gathering; a larger message has an array of its own.
      const grown = new Uint8Array(Math.max(end, Math.min(GATHER_SIZE, 2 * this.#slab.length)))
      grown.set(view(this.#slab, 0, this.#used))
      this.#slab = grown
    }
    writeHeader(this.#slab, this.#used, kind, payload.length)
    this.#slab.set(payload, this.#used + HEADER_SIZE)
    this.#used = end
  }

  /** Hands over what is gathered and due, unless the mechanism is still busy or broken. */
  #flush(): void {
    if (this.#busy || this.#broken) return
    if (this.#pongDue) this.#append(Kind.PONG, NO_BYTES)
    if (this.#pingDue) this.#append(Kind.PING, NO_BYTES)
    if (this.#endDue) this.#append(Kind.END, NO_BYTES)
    this.#pongDue = false
    this.#pingDue = false
    const endLeaves = this.#endDue
    this.#endDue = false
    if (this.#used === 0) return
    // Messages of one size follow each other often: the same view serves them.
    if (this.#out.length !== this.#used || this.#out.buffer !== this.#slab.buffer) {
      this.#out = view(this.#slab, 0, this.#used)
    }
    if (this.#bytes.write(this.#out)) {
      this.#emptied()
      if (endLeaves) this.#shutdown?.resolve()
    } else {
      this.#busy = true
    }
  }

  #emptied(): void {
    this.#used = 0
    this.#gathered = 0
    if (this.#slab.length <= GATHER_SIZE) return
    this.#slab = new Uint8Array(1024)
    this.#out = NO_BYTES
  }

  #onWritable(): void {
    this.#busy = false
    this.#emptied()
    if (this.#endDue || this.#shutdown === undefined) this.#flush()
    else this.#shutdown.resolve()
    if (!this.#busy) this.events.writable()
  }

  #onFail(error: StraitError): void {
    this.#broken = true
    this.#shutdown?.resolve()
    this.events.fail(error)
  }

  shutdown(): Promise<void> {
    if (this.#broken) return Promise.resolve()
    let resolve!: () => void
    const promise = new Promise<void>((settle) => {
      resolve = settle
    })
    this.#shutdown = { promise, resolve }
    this.#endDue = true
    this.#flush()
    return promise
  }

  wait(reading: boolean, ms: number): void {
    // The turn in which messages gather does not end while its thread is blocked.
    this.#flush()
    if (reading || this.#busy) this.#bytes.wait?.(reading, this.#busy, ms)
  }

  destroy(): void {
    this.#watch.stop()
    this.#broken = true
    this.#bytes.events = NO_EVENTS
    this.#bytes.destroy()
    this.#shutdown?.resolve()
  }

  ref(): void {
    this.#bytes.ref()
  }

  unref(): void {
    this.#bytes.unref()
  }
}
