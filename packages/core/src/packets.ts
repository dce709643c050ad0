import type { ChannelOptions } from './channel.js'
import { StraitError } from './error.js'
import { Kind, readUint32, writeUint32 } from './frame.js'
import { type Agreement, handshake, type Role } from './handshake.js'
import { IdleWatch } from './idle-watch.js'
import { type ByteLink, type Link, type LinkEvents, NO_EVENTS, type PacketLink } from './link.js'
import { StreamWire } from './stream-wire.js'

// A packet is a kind, one byte, and the payload. A message that does not fit travels as FIRST, with its length in front,
// and MORE until it is whole; nothing but the parts of one message comes between them. docs/wire-format.md draws it.

const FIRST_SIZE = 5

const NO_BYTES = new Uint8Array(0)

const head = (kind: Kind) => Uint8Array.of(kind)
const DATA = head(Kind.DATA)
const MORE = head(Kind.MORE)
const HELLO = head(Kind.HELLO)

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
  return new PacketedLink(packets, url, await greetInPackets(packets, role, url, options), options)
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
    const packet = this.#corrupt ? undefined : this.#packets.read()
    if (packet === undefined || packet[0] === Kind.HELLO) return packet?.subarray(1)
    this.#corrupt = true
    this.events.end(notStrait(this.#role, this.#url))
    return undefined
  }

  write(bytes: Uint8Array): boolean {
    if (this.#packets.write(HELLO, bytes)) return true
    this.#leaving = bytes
    return false
  }

  #onWritable(): void {
    if (this.#leaving === undefined || !this.#packets.write(HELLO, this.#leaving)) return
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
  #closing = false
  #onShutdown: (() => void) | undefined

  constructor(packets: PacketLink, url: URL, agreement: Agreement, { idleTimeout }: ChannelOptions) {
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
    return this.#rest === undefined ? 0 : 1
  }

  // Incoming

  read(): Uint8Array | undefined {
    while (!this.#ended) {
      const packet = this.#packets.read()
      this.#starved = packet === undefined
      if (packet === undefined) {
        // Where this very read has found the end, `events` has been told already.
        if (this.#hungUp !== undefined && !this.#ended) this.#hangUp(this.#hungUp.error)
        return undefined
      }
      const message = this.#take(packet)
      if (message !== undefined) return message
    }
    return undefined
  }

  #take(packet: Uint8Array): Uint8Array | undefined {
    const kind = packet[0]
    if (kind === Kind.DATA && this.#body === undefined) {
      const length = packet.length - 1
      return length > this.maxMessageSize ? this.#tooLarge(length) : packet.subarray(1)
    }
    if (kind === Kind.FIRST && this.#body === undefined && packet.length >= FIRST_SIZE) {
      const length = readUint32(packet, 1)
      if (length > this.maxMessageSize) return this.#tooLarge(length)
      this.#body = new Uint8Array(length)
      this.#filled = 0
      return this.#append(this.#body, packet.subarray(FIRST_SIZE))
    }
    if (kind === Kind.MORE && this.#body !== undefined && packet.length > 1) {
      return this.#append(this.#body, packet.subarray(1))
    }
    if (packet.length === 1 && this.#body === undefined) return this.#control(kind!)
    return this.#corrupt(packet)
  }

  /** Bytes of a message; a part that says nothing, or too much, is none. */
  #append(body: Uint8Array, part: Uint8Array): Uint8Array | undefined {
    if (part.length > body.length - this.#filled) {
      this.#stop('CORRUPT', 'the peer sent more of a message than it had announced')
      return undefined
    }
    body.set(part, this.#filled)
    this.#filled += part.length
    if (this.#filled < body.length) return undefined
    this.#body = undefined
    return body
  }

  #control(kind: number): undefined {
    if (kind === Kind.END) {
      this.#ended = true
      this.events.end()
    } else if (kind === Kind.PING) {
      this.#pongDue = !this.#closing
      this.#flush()
    } else if (kind !== Kind.PONG) {
      this.#corrupt(Uint8Array.of(kind))
    }
  }

  #corrupt(packet: Uint8Array): undefined {
    const what =
      packet.length === 0 ? 'an empty packet' : `a packet of kind ${packet[0]} with ${packet.length} bytes`
    this.#stop('CORRUPT', `the peer sent ${what}`)
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
    if (message.length < this.#packets.maxPacketSize) return this.#put(DATA, message)
    const first = new Uint8Array(FIRST_SIZE)
    first[0] = Kind.FIRST
    writeUint32(first, 1, message.length)
    const part = message.subarray(0, this.#packets.maxPacketSize - FIRST_SIZE)
    if (!this.#put(first, part)) return false
    const rest = this.#sendParts(message.subarray(part.length))
    if (rest.length > 0) this.#rest = lent ? rest : rest.slice()
    return true
  }

  #put(head: Uint8Array, body: Uint8Array): boolean {
    if (this.#packets.write(head, body)) return true
    this.#full = true
    return false
  }

  /** Sends what the mechanism takes; returns what is left. */
  #sendParts(bytes: Uint8Array): Uint8Array {
    const size = this.#packets.maxPacketSize - 1
    let rest = bytes
    while (rest.length > 0 && this.#packets.write(MORE, rest.subarray(0, size))) rest = rest.subarray(size)
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
    if (this.#pongDue) this.#pongDue = !this.#packets.write(head(Kind.PONG), NO_BYTES)
    if (this.#pingDue) this.#pingDue = !this.#packets.write(head(Kind.PING), NO_BYTES)
    if (this.#pongDue || this.#pingDue) return false
    if (this.#endDue) {
      this.#endDue = !this.#packets.write(head(Kind.END), NO_BYTES)
      if (!this.#endDue) this.#onShutdown?.()
    }
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
    const writing = this.#full || this.#rest !== undefined
    if (reading || writing) this.#packets.wait?.(reading, writing, ms)
  }

  destroy(): void {
    this.#watch.stop()
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
