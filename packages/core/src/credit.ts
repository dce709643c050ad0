import type { ChannelOptions } from './channel.js'
import { StraitError } from './error.js'
import { Kind, readUint32, writeUint32 } from './frame.js'
import { type Agreement, handshake, type Role, type Wire } from './handshake.js'
import { IdleWatch } from './idle-watch.js'
import { type Link, type LinkEvents, NO_EVENTS } from './link.js'

/** Bytes that may be on the way to a receiver that has not read them. The message that crosses the line still goes. */
export const WINDOW = 256 * 1024

/** What a message costs beside its bytes, so that empty ones are bounded too. */
const OVERHEAD = 32

const NO_BYTES = new Uint8Array(0)

/** What comes in at a port. */
export interface PortEvents {
  /** A unit arrived; its bytes are the receiver's and never change. */
  unit(kind: number, payload: Uint8Array): void
  /** Nothing comes any more: the other side is gone, or this one misbehaved. Called once. */
  end(error?: StraitError): void
  /** Nothing can be posted any more; `end` follows. */
  fail(error: StraitError): void
}

/** A mechanism that keeps boundaries and pushes: what has arrived cannot be refused. */
export interface Port {
  events: PortEvents
  /**
   * Posts a unit. True: it has left this thread, and `left` is never called. False: `left` is called when it has, not
   * before `post` returns. Keeps no reference after it returns, but to a `lent` payload, which nobody changes, until it
   * has left.
   */
  post(kind: Kind, payload: Uint8Array, lent: boolean, left: () => void): boolean
  destroy(): void
  ref(): void
  unref(): void
}

const nothing = () => {}

export const NO_PORT_EVENTS: PortEvents = { unit: nothing, end: nothing, fail: nothing }

/**
 * Greets over a port and makes a `Link` of it, with byte credits in both directions: a sender spends them, the
 * receiver grants new ones when its program has read. So what is unread stays bounded although nothing can be paused.
 *
 * - Errors: those of {@link handshake}; the port is then destroyed.
 */
export async function credited(port: Port, role: Role, url: URL, options: ChannelOptions): Promise<Link> {
  const wire = new PortWire(port, role, url)
  try {
    const agreement = await handshake(wire, role, url, options)
    return new CreditLink(port, wire, url, agreement, options.idleTimeout)
  } catch (error) {
    port.events = NO_PORT_EVENTS
    port.destroy()
    throw error
  }
}

interface Unit {
  readonly kind: number
  readonly payload: Uint8Array
}

/** The handshake's reading and writing on a port: each piece is a unit of kind HELLO. */
class PortWire implements Wire {
  readonly #port: Port
  readonly #role: Role
  readonly #url: URL
  #want: { length: number; resolve(bytes: Uint8Array): void; reject(error: unknown): void } | undefined
  /** Pieces of the greeting that have arrived, joined. */
  #hello: Uint8Array = NO_BYTES
  /** What came behind the greeting. */
  readonly units: Unit[] = []
  /** What these cost in bytes. */
  #early = 0
  ended: { error: StraitError | undefined } | undefined

  constructor(port: Port, role: Role, url: URL) {
    this.#port = port
    this.#role = role
    this.#url = url
    port.events = {
      unit: (kind, payload) => {
        if (kind === Kind.HELLO && this.#hello.length + payload.length <= 1024) {
          const joined = new Uint8Array(this.#hello.length + payload.length)
          joined.set(this.#hello)
          joined.set(payload, this.#hello.length)
          this.#hello = joined
        } else if (this.ended === undefined) {
          this.units.push({ kind, payload })
          this.#early += payload.length + OVERHEAD
          if (this.#early - payload.length > WINDOW + OVERHEAD) this.#overrun()
        }
        this.#pump()
      },
      end: (error) => {
        this.ended ??= { error }
        this.#pump()
      },
      fail: nothing,
    }
  }

  #overrun(): void {
    const context = { operation: this.#role, url: this.#url }
    this.ended = { error: new StraitError('CORRUPT', 'the other end sent more than it was granted', context) }
    this.#port.destroy()
  }

  write(bytes: Uint8Array): void {
    this.#port.post(Kind.HELLO, bytes, false, nothing)
  }

  flushed(): Promise<void> {
    return Promise.resolve()
  }

  read(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#want = { length, resolve, reject }
      this.#pump()
    })
  }

  #pump(): void {
    const want = this.#want
    if (want === undefined) return
    const context = { operation: this.#role, url: this.#url, cause: this.ended?.error }
    if (this.#hello.length >= want.length) {
      this.#want = undefined
      want.resolve(this.#hello.slice(0, want.length))
      this.#hello = this.#hello.slice(want.length)
    } else if (this.units.length > 0) {
      this.#want = undefined
      want.reject(new StraitError('CORRUPT', 'the other end does not speak Strait', context))
    } else if (this.ended !== undefined) {
      this.#want = undefined
      const { error } = this.ended
      const misbehaved = error !== undefined && !StraitError.is(error, 'RESET')
      want.reject(
        misbehaved
          ? new StraitError('CORRUPT', 'the other end does not speak Strait', context)
          : new StraitError('RESET', 'the other end hung up', context),
      )
    }
  }
}

/** Messages over a port, within the credit of the other side. */
class CreditLink implements Link {
  events: LinkEvents = NO_EVENTS
  readonly maxMessageSize: number
  readonly #port: Port
  readonly #url: URL

  readonly #inbox: Uint8Array[] = []
  /** Bytes that the peer was allowed to send and has sent, and that were not granted anew. */
  #unread = 0
  /** Of these, what the program has read since the last grant. */
  #read = 0
  #finish: { error: StraitError | undefined } | undefined
  #ended = false

  #credit = WINDOW
  #posted = 0
  #broken = false
  #shutdown: (() => void) | undefined

  #ponging = false
  readonly #watch: IdleWatch

  constructor(port: Port, wire: PortWire, url: URL, agreement: Agreement, idleTimeout: number | undefined) {
    this.#port = port
    this.#url = url
    this.maxMessageSize = agreement.maxMessageSize
    port.events = {
      unit: (kind, payload) => this.#onUnit(kind, payload),
      end: (error) => this.#onPortEnd(error),
      fail: (error) => this.#onFail(error),
    }
    this.#watch = new IdleWatch(idleTimeout, {
      listening: () => this.#inbox.length === 0 && this.#finish === undefined,
      ping: () => this.#port.post(Kind.PING, NO_BYTES, true, nothing),
      giveUp: (reason) => this.#stop(this.#error('TIMEOUT', reason)),
    })
    for (const { kind, payload } of wire.units) this.#onUnit(kind, payload)
    if (wire.ended !== undefined) port.events.end(wire.ended.error)
  }

  #onPortEnd(error: StraitError | undefined): void {
    if (this.#finish !== undefined) return
    const reset = error ?? this.#error('RESET', 'the peer went away without closing')
    this.#onFail(reset)
    this.#stop(reset)
  }

  #onFail(error: StraitError): void {
    if (this.#broken) return
    this.#broken = true
    this.#shutdown?.()
    this.events.fail(error)
  }

  get pending(): number {
    return this.#posted
  }

  read(): Uint8Array | undefined {
    const message = this.#inbox.shift()
    if (message !== undefined) {
      this.#read += message.length + OVERHEAD
      if (this.#read >= WINDOW / 4) this.#grant()
    } else if (this.#finish !== undefined && !this.#ended) {
      this.#ended = true
      this.events.end(this.#finish.error)
    }
    return message
  }

  #grant(): void {
    const grant = new Uint8Array(4)
    writeUint32(grant, 0, this.#read)
    this.#unread -= this.#read
    this.#read = 0
    if (!this.#broken && this.#finish === undefined) this.#port.post(Kind.CREDIT, grant, true, nothing)
  }

  #onUnit(kind: number, payload: Uint8Array): void {
    if (this.#finish !== undefined) return
    this.#watch.heard()
    if (kind === Kind.DATA) {
      this.#onData(payload)
    } else if (kind === Kind.CREDIT && payload.length === 4) {
      this.#credit += readUint32(payload, 0)
      if (this.#credit > WINDOW)
        this.#stop(this.#error('CORRUPT', 'the peer granted more than it had received'))
      else this.events.writable()
    } else if (kind === Kind.PING && payload.length === 0) {
      this.#pong()
    } else if (kind === Kind.END && payload.length === 0) {
      this.#stop(undefined)
    } else if (kind !== Kind.PONG || payload.length !== 0) {
      this.#stop(this.#error('CORRUPT', `the peer sent a unit of kind ${kind} with ${payload.length} bytes`))
    }
  }

  /** One PONG at a time: who pings and does not read piles up none here. */
  #pong(): void {
    if (this.#broken || this.#ponging) return
    this.#ponging = !this.#port.post(Kind.PONG, NO_BYTES, true, () => {
      this.#ponging = false
    })
  }

  #onData(payload: Uint8Array): void {
    if (payload.length > this.maxMessageSize) {
      const reason = `the peer sent a message of ${payload.length} bytes, the limit is ${this.maxMessageSize}`
      this.#stop(this.#error('TOO_LARGE', reason))
    } else if (this.#unread >= WINDOW) {
      this.#stop(this.#error('CORRUPT', 'the peer sent more than it was granted'))
    } else {
      this.#unread += payload.length + OVERHEAD
      this.#inbox.push(payload)
      this.events.readable()
    }
  }

  #stop(error: StraitError | undefined): void {
    this.#finish ??= { error }
    this.events.readable()
  }

  #error(code: 'RESET' | 'CORRUPT' | 'TOO_LARGE' | 'TIMEOUT', reason: string): StraitError {
    return new StraitError(code, reason, { operation: 'receive', url: this.#url })
  }

  write(message: Uint8Array, lent = false): boolean {
    if (this.#credit <= 0 || this.#broken) return false
    this.#credit -= message.length + OVERHEAD
    if (!this.#port.post(Kind.DATA, message, lent, this.#left)) this.#posted++
    return true
  }

  readonly #left = () => {
    this.#posted--
    this.events.writable()
  }

  shutdown(): Promise<void> {
    if (this.#broken) return Promise.resolve()
    return new Promise((resolve) => {
      this.#shutdown = resolve
      if (this.#port.post(Kind.END, NO_BYTES, true, resolve)) resolve()
    })
  }

  destroy(): void {
    this.#watch.stop()
    this.#broken = true
    this.#port.events = NO_PORT_EVENTS
    this.#port.destroy()
    this.#shutdown?.()
  }

  ref(): void {
    this.#port.ref()
  }

  unref(): void {
    this.#port.unref()
  }
}
