import type { ChannelOptions } from './channel.js'
import { StraitError } from './error.js'
import { afterTurn } from './event-loop.js'
import { Kind, readUint32, writeUint32 } from './frame.js'
import { type Agreement, handshake, type Role } from './handshake.js'
import { IdleWatch } from './idle-watch.js'
import { type ByteLink, type Link, type LinkEvents, NO_EVENTS, type PacketLink } from './link.js'
import { StreamWire } from './stream-wire.js'

// A packet is a kind and a payload. A message that does not fit travels as FIRST, with its length in front,
// and MORE until it is whole; nothing but the parts of one message comes between them. docs/wire-format.md draws it.

/** The length in front of a message that travels in parts. */
const LENGTH_SIZE = 4

/** Packets that make no message are read so many at a time; then the event loop gets its turn. */
const PACKETS_PER_TURN = 1024

const NO_BYTES = new Uint8Array(0)

/**
 * Greets over a mechanism that keeps boundaries and makes a `Link` of it.
 *
 * - Errors: those of {@link handshake}; the mechanism is then destroyed.
 */
export async function packeted(
  packets: PacketLink,
  role: Role,
  url: URL,
  options: ChannelOptions,
): Promise<Link> {
  return inPackets(packets, url, await greetInPackets(packets, role, url, options), options)
}

/** Makes a `Link` of a mechanism that keeps boundaries, when the two ends have greeted. */
export function inPackets(
  packets: PacketLink,
  url: URL,
  agreement: Agreement,
  { idleTimeout }: ChannelOptions,
): Link {
  return new PacketedLink(packets, url, agreement, idleTimeout)
}

/**
 * Only greets: what comes behind the greeting is still unread.
 *
 * - Errors: those of {@link handshake}; the mechanism is then destroyed.
 */
export async function greetInPackets(
  packets: PacketLink,
  role: Role,
  url: URL,
  options: ChannelOptions,
): Promise<Agreement> {
  try {
    const wire = new StreamWire(new Greeting(packets, role, url), role, url)
    const agreement = await handshake(wire, role, url, options)
    if (wire.rest.length > 0) throw notStrait(role, url)
    return agreement
  } catch (error) {
    packets.events = NO_EVENTS
    packets.destroy()
    throw error
  }
}

const notStrait = (operation: string, url: URL) =>
  new StraitError('CORRUPT', 'the other end does not speak Strait', { operation, url })

/** The packets of the greeting as a stream of bytes. */
class Greeting implements ByteLink {
  readonly #packets: PacketLink
  readonly #role: Role
  readonly #url: URL
  #leaving: Uint8Array | undefined
  #events = NO_EVENTS
  #corrupt = false

  constructor(packets: PacketLink, role: Role, url: URL) {
    this.#packets = packets
    this.#role = role
    this.#url = url
  }

  get events(): LinkEvents {
    return this.#events
  }

  set events(events: LinkEvents) {
    this.#events = events
    this.#packets.events = { ...events, writable: () => this.#onWritable() }
  }

  read(): Uint8Array | undefined {
    const payload = this.#corrupt ? undefined : this.#packets.read()
    if (payload === undefined || this.#packets.kind === Kind.HELLO) return payload
    this.#corrupt = true
    this.events.end(notStrait(this.#role, this.#url))
    return undefined
  }

  write(bytes: Uint8Array): boolean {
    if (this.#packets.write(Kind.HELLO, bytes)) return true
    this.#leaving = bytes
    return false
  }

  #onWritable(): void {
    if (this.#leaving === undefined || !this.#packets.write(Kind.HELLO, this.#leaving)) return
    this.#leaving = undefined
    this.events.writable()
  }

  destroy(): void {
    this.#packets.destroy()
  }

  ref(): void {
    this.#packets.ref()
  }

  unref(): void {
    this.#packets.unref()
  }
}

/** Messages in packets. */
class PacketedLink implements Link {
  events: LinkEvents = NO_EVENTS
  readonly maxMessageSize: number
  readonly #packets: PacketLink
  readonly #url: URL
  readonly #watch: IdleWatch

  // Incoming: a message of which parts have come.
  #body: Uint8Array | undefined
  #filled = 0
  #starved = false
  /** How many more packets may be read before the event loop gets its turn. */
  #left = 0
  #hungUp: { error: StraitError | undefined } | undefined
  #ended = false

  // Outgoing: a message of which parts have left.
  #rest: Uint8Array | undefined
  /** A message was refused: somebody waits for room. */
  #full = false
  #broken = false
  #pongDue = false
  #pingDue = false
  #endDue = false
  #endSaid = false
  #closing = false
  #onShutdown: (() => void) | undefined

  constructor(packets: PacketLink, url: URL, agreement: Agreement, idleTimeout: number | undefined) {
    this.#packets = packets
    this.#url = url
    this.maxMessageSize = agreement.maxMessageSize
    this.#watch = new IdleWatch(idleTimeout, {
      listening: () => this.#starved && !this.#ended,
      ping: () => {
        this.#pingDue = !this.#closing
        this.#flush()
      },
      giveUp: (reason) => this.#stop('TIMEOUT', reason),
    })
    packets.events = {
      readable: () => {
        this.#watch.heard()
        this.events.readable()
      },
      writable: () => {
        this.#full = false
        if (this.#flush()) this.events.writable()
      },
      end: (error) => {
        this.#hungUp = { error }
        this.events.readable()
      },
      fail: (error) => {
        this.#broken = true
        this.#onShutdown?.()
        this.events.fail(error)
      },
    }
  }

  get pending(): number {
    return this.#rest === undefined && this.#packets.pending !== true ? 0 : 1
  }

  // Incoming

  read(): Uint8Array | undefined {
    this.#left = PACKETS_PER_TURN
    if (this.#body !== undefined && this.#fill(this.#body)) return this.#whole()
    const payload = this.#ended ? undefined : this.#packets.read()
    return payload === undefined ? this.#nothing() : this.#message(payload)
  }

  look(patiently: boolean): Uint8Array | undefined {
    const packets = this.#packets
    if (packets.look === undefined || this.#body !== undefined) return this.read()
    const payload = this.#ended ? undefined : packets.look(patiently)
    if (payload === undefined) return this.#nothing()
    this.#watch.heard()
    this.#left = PACKETS_PER_TURN
    return this.#message(payload)
  }

  /** The message that this payload is, or completes, or the next one behind it. */
  #message(payload: Uint8Array): Uint8Array | undefined {
    for (let next: Uint8Array | undefined = payload; next !== undefined; next = this.#packets.read()) {
      const message = this.#take(this.#packets.kind, next)
      if (message !== undefined || this.#ended) return message
      if (this.#body !== undefined && this.#fill(this.#body)) return this.#whole()
      if (--this.#left <= 0) {
        afterTurn(() => this.events.readable())
        return undefined
      }
    }
    return this.#nothing()
  }

  /** Further parts of a message, for mechanisms that put them in their place themselves. True: it is whole. */
  #fill(body: Uint8Array): boolean {
    const packets = this.#packets
    if (packets.readPart === undefined || this.#ended) return false
    while (this.#filled < body.length) {
      if (--this.#left <= 0) return false
      const length = packets.readPart(body, this.#filled)
      if (length === 0) return false
      this.#filled += length
      this.#watch.heard()
    }
    return true
  }

  #whole(): Uint8Array | undefined {
    const body = this.#body
    this.#body = undefined
    return body
  }

  #nothing(): undefined {
    this.#starved = true
    // Where this very read has found the end, `events` has been told already.
    if (this.#hungUp !== undefined && !this.#ended) this.#hangUp(this.#hungUp.error)
  }

  #take(kind: number, payload: Uint8Array): Uint8Array | undefined {
    this.#starved = false
    if (kind === Kind.DATA && this.#body === undefined)
      return payload.length > this.maxMessageSize ? this.#tooLarge(payload.length) : payload
    if (kind === Kind.FIRST && this.#body === undefined && payload.length >= LENGTH_SIZE) {
      const length = readUint32(payload, 0)
      if (length > this.maxMessageSize) return this.#tooLarge(length)
      this.#body = new Uint8Array(length)
      this.#filled = 0
      return this.#append(this.#body, payload.subarray(LENGTH_SIZE))
    }
    if (kind === Kind.MORE && this.#body !== undefined && payload.length > 0)
      return this.#append(this.#body, payload)
    if (payload.length === 0 && this.#body === undefined) return this.#control(kind)
    return this.#corrupt(kind, payload.length)
  }

  /** Bytes of a message; a part that says nothing, or too much, is none. */
  #append(body: Uint8Array, part: Uint8Array): Uint8Array | undefined {
    if (part.length > body.length - this.#filled) {
      this.#stop('CORRUPT', 'the peer sent more of a message than it had announced')
      return undefined
    }
    body.set(part, this.#filled)
    this.#filled += part.length
    return this.#filled < body.length ? undefined : this.#whole()
  }

  #control(kind: number): undefined {
    if (kind === Kind.END) {
      this.#ended = true
      this.events.end()
    } else if (kind === Kind.PING) {
      this.#pongDue = !this.#closing
      this.#flush()
    } else if (kind !== Kind.PONG) {
      this.#corrupt(kind, 0)
    }
  }

  #corrupt(kind: number, length: number): undefined {
    this.#stop('CORRUPT', `the peer sent a packet of kind ${kind} with ${length} bytes`)
  }

  #tooLarge(length: number): undefined {
    this.#stop(
      'TOO_LARGE',
      `the peer announced a message of ${length} bytes, the limit is ${this.maxMessageSize}`,
    )
  }

  #hangUp(cause: StraitError | undefined): void {
    if (cause !== undefined && !StraitError.is(cause, 'RESET')) {
      // It did not go away: the mechanism gave up, and knows why.
      this.#ended = true
      this.events.end(cause)
    } else if (this.#body !== undefined) {
      this.#stop('TRUNCATED', 'the peer went away in the middle of a message', cause)
    } else {
      this.#stop('RESET', 'the peer went away without closing', cause)
    }
  }

  #stop(
    code: 'TOO_LARGE' | 'CORRUPT' | 'TRUNCATED' | 'RESET' | 'TIMEOUT',
    reason: string,
    cause?: unknown,
  ): void {
    this.#ended = true
    this.events.end(new StraitError(code, reason, { operation: 'receive', url: this.#url, cause }))
  }

  // Outgoing

  write(message: Uint8Array, lent = false): boolean {
    if (this.#rest !== undefined || this.#broken) return false
    if (message.length <= this.#packets.maxPacketSize) return this.#put(Kind.DATA, message)
    const length = new Uint8Array(LENGTH_SIZE)
    writeUint32(length, 0, message.length)
    const part = message.subarray(0, this.#partSize - LENGTH_SIZE)
    if (!this.#put(Kind.FIRST, part, length)) return false
    const rest = this.#sendParts(message.subarray(part.length))
    // A Buffer's own `slice` would be no copy.
    if (rest.length > 0) this.#rest = lent ? rest : new Uint8Array(rest)
    return true
  }

  #put(kind: Kind, body: Uint8Array, prefix?: Uint8Array): boolean {
    if (this.#packets.write(kind, body, prefix)) return true
    this.#full = true
    return false
  }

  get #partSize(): number {
    return this.#packets.partSize ?? this.#packets.maxPacketSize
  }

  /** Sends what the mechanism takes; returns what is left. */
  #sendParts(bytes: Uint8Array): Uint8Array {
    const size = this.#partSize
    let rest = bytes
    while (rest.length > 0 && this.#packets.write(Kind.MORE, rest.subarray(0, size)))
      rest = rest.subarray(size)
    return rest
  }

  /** Sends the rest of a message, then what is due. True: there is room for messages. */
  #flush(): boolean {
    if (this.#broken) return false
    if (this.#rest !== undefined) {
      this.#rest = this.#sendParts(this.#rest)
      if (this.#rest.length > 0) return false
      this.#rest = undefined
    }
    if (this.#pongDue) this.#pongDue = !this.#packets.write(Kind.PONG, NO_BYTES)
    if (this.#pingDue) this.#pingDue = !this.#packets.write(Kind.PING, NO_BYTES)
    if (this.#pongDue || this.#pingDue) return false
    if (this.#endDue && this.#packets.write(Kind.END, NO_BYTES)) {
      this.#endDue = false
      this.#endSaid = true
    }
    if (this.#endSaid && this.#packets.pending !== true) this.#onShutdown?.()
    return true
  }

  shutdown(): Promise<void> {
    this.#closing = true
    return new Promise((resolve) => {
      if (this.#broken) return resolve()
      this.#onShutdown = resolve
      this.#endDue = true
      this.#flush()
    })
  }

  wait(reading: boolean, ms: number): void {
    const writing = this.#full || this.pending > 0
    if (reading || writing) this.#packets.wait?.(reading, writing, ms)
  }

  destroy(): void {
    this.#watch.stop()
    this.#ended = true
    this.#broken = true
    this.#packets.events = NO_EVENTS
    this.#packets.destroy()
    this.#onShutdown?.()
  }

  ref(): void {
    this.#packets.ref()
  }

  unref(): void {
    this.#packets.unref()
  }
}
