import { type Kind, type LinkEvents, NO_EVENTS, type PacketLink, StraitError } from '@strait/core'
import { isAgain, kernelError, type Meanings } from '@strait/posix'
import type { SocketPackets } from './socket-packets.js'

/**
 * Two boxes in which packets lie on their way, one for each direction: queues of the kernel, or slots in memory. What
 * they lack is an end: a box does not say that nobody will put anything into it any more. Nothing here waits, but for
 * `block`. A packet is its kind, in one byte, and its payload.
 */
export interface Mailboxes {
  /** Of the longest packet with its kind, in bytes. */
  readonly longest: number
  /** Set by whoever has the boxes; told when something may have come, or there may be room. Never from inside a call. */
  onReady: (incoming: boolean, outgoing: boolean) => void
  /**
   * Takes the next packet and puts it, its kind in front, where `longest` bytes are free.
   *
   * @returns its length; an error number, negated; -EAGAIN: there is none; -EBADMSG: the peer has misused the box
   */
  take(target: Uint8Array, offset: number): number
  /**
   * Puts a packet: its payload is `prefix`, where there is one, and `body`. Keeps no reference.
   *
   * @returns an error number, negated; -EAGAIN: there is no room; -EBADMSG: the peer has misused the box; otherwise it
   * is there, or `leaving`
   */
  put(kind: Kind, body: Uint8Array, prefix: Uint8Array | undefined): number
  /** The last packet that was put has not left this process. Where that can be: when it has, there is room. */
  readonly leaving?: boolean
  /** What shall be told from now on. */
  watch(incoming: boolean, outgoing: boolean): void
  /** Blocks the thread until one of these, or until `other`, a descriptor, can be read, or for `ms`; tells as ever. */
  block(incoming: boolean, outgoing: boolean, other: number, ms: number): void
  /** Lets go of them, at once. */
  close(): void
}

/** Packets for which memory is made at once, in bytes. */
const SLAB_SIZE = 16 * 1024

const MEANINGS: Meanings = { EBADMSG: ['CORRUPT', 'the peer left behind what cannot be'] }

/** The kind of a packet stands in front of its payload. */
const KIND_SIZE = 1

/**
 * Mailboxes as a `PacketLink`. The control socket at which the ends have met stays: nothing comes on it, and its hang-up
 * is the news that the other end is gone. What it had put is still taken. It owns both.
 */
export class MailboxPackets implements PacketLink {
  events: LinkEvents = NO_EVENTS
  readonly maxPacketSize: number
  kind = 0
  readonly #boxes: Mailboxes
  readonly #control: SocketPackets
  readonly #url: URL
  #slab = new Uint8Array(0)
  #offset = 0
  #drained = true
  #ended = false
  /** A packet was refused, and its sender not told yet that there is room. */
  #refused = false
  #hungUp: { cause: StraitError | undefined } | undefined
  /** Why nothing can be put any more; told in the next turn of the event loop, for it was found out inside of `write`. */
  #failure: StraitError | undefined
  #failed = false
  #destroyed = false

  constructor(boxes: Mailboxes, control: SocketPackets, url: URL) {
    this.#boxes = boxes
    this.#control = control
    this.#url = url
    this.maxPacketSize = boxes.longest - KIND_SIZE
    boxes.onReady = (incoming, outgoing) => this.#onReady(incoming, outgoing)
    control.expectEmpty()
    control.events = {
      readable: () => this.#onControl(),
      writable: () => {},
      end: (cause) => this.#onHangUp(cause),
      fail: () => {},
    }
    boxes.watch(true, false)
    // What came before anybody listened; whoever makes these packets has not taken them over yet.
    process.nextTick(() => this.#onControl())
  }

  // What happens

  #onReady(incoming: boolean, outgoing: boolean): void {
    if (outgoing && this.#refused) {
      this.#refused = false
      this.events.writable()
    }
    if (incoming && !this.#ended) {
      this.#drained = false
      this.events.readable()
    }
    this.#watch()
  }

  /** Nobody wants what has come, until it is read; the next read will watch again. */
  #watch(): void {
    if (this.#destroyed) return
    this.#boxes.watch(
      this.#drained && !this.#ended && this.#hungUp === undefined,
      this.#refused && !this.#failed,
    )
  }

  #onControl(): void {
    if (this.#destroyed || this.#control.read() === undefined || this.#ended) return
    const reason = 'the peer sent something on the control socket'
    const error = new StraitError('CORRUPT', reason, { operation: 'receive', url: this.#url })
    this.#fail(error)
    this.#end(error)
  }

  /** The other end is gone. What it has put is still there. */
  #onHangUp(cause: StraitError | undefined): void {
    this.#hungUp = { cause }
    this.#drained = false
    this.events.readable()
    if (this.#refused) this.#fail(this.#gone())
    this.#watch()
  }

  #gone(cause: unknown = this.#hungUp?.cause): StraitError {
    return new StraitError('RESET', 'the peer is gone', { operation: 'send', url: this.#url, cause })
  }

  #fail(error: StraitError): void {
    if (this.#failed || this.#destroyed) return
    this.#failed = true
    this.events.fail(error)
  }

  #end(error: StraitError | undefined): undefined {
    if (this.#ended) return
    this.#ended = true
    this.#watch()
    this.events.end(error)
  }

  // Incoming

  read(): Uint8Array | undefined {
    if (this.#drained || this.#ended) return undefined
    if (this.#slab.length - this.#offset < this.#boxes.longest) {
      this.#slab = new Uint8Array(Math.max(SLAB_SIZE, this.#boxes.longest))
      this.#offset = 0
    }
    const count = this.#boxes.take(this.#slab, this.#offset)
    if (count > 0) {
      this.kind = this.#slab[this.#offset]!
      const payload = new Uint8Array(this.#slab.buffer, this.#offset + KIND_SIZE, count - KIND_SIZE)
      this.#offset += count
      return payload
    }
    return this.#none(count)
  }

  #none(result: number): undefined {
    if (result === 0) {
      const context = { operation: 'receive', url: this.#url }
      return this.#end(new StraitError('CORRUPT', 'the peer sent a packet without a kind', context))
    }
    if (!isAgain(result)) return this.#end(kernelError(result, 'receive', this.#url.href, MEANINGS))
    this.#drained = true
    if (this.#hungUp !== undefined) return this.#end(this.#hungUp.cause)
    this.#watch()
  }

  // Outgoing

  get pending(): boolean {
    return this.#boxes.leaving === true
  }

  write(kind: Kind, body: Uint8Array, prefix?: Uint8Array): boolean {
    if (this.#destroyed) return false
    const gone = this.#hungUp !== undefined
    const result = gone ? 0 : this.#boxes.put(kind, body, prefix)
    if (!gone && result >= 0) {
      if (this.pending) this.#refuse()
      return true
    }
    if (!gone && isAgain(result)) this.#refuse()
    else if (!this.#failed && this.#failure === undefined) {
      this.#failure = gone ? this.#gone() : kernelError(result, 'send', this.#url.href, MEANINGS)
      process.nextTick(() => this.#tellFailure())
    }
    return false
  }

  #refuse(): void {
    this.#refused = true
    this.#watch()
  }

  #tellFailure(): boolean {
    const error = this.#failure
    this.#failure = undefined
    if (error === undefined || this.#destroyed) return false
    this.#fail(error)
    // Who has spoilt one box is done with: what lies in the other one by now is the last.
    if (StraitError.is(error, 'CORRUPT') && this.#hungUp === undefined) this.#onHangUp(error)
    return true
  }

  // Both

  wait(reading: boolean, writing: boolean, ms: number): void {
    // A blocked thread has no turns of the event loop.
    if (this.#destroyed || this.#tellFailure()) return
    this.#boxes.block(reading, writing, this.#control.descriptor, ms)
    this.#control.wait(true, false, 0)
  }

  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#ended = true
    this.#boxes.close()
    this.#control.destroy()
  }

  ref(): void {
    this.#control.ref()
  }

  unref(): void {
    this.#control.unref()
  }
}
