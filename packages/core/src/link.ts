import type { StraitError } from './error.js'
import type { Kind } from './frame.js'

/**
 * What happens at a link. Never called from inside `write`, and from inside `read` only `end`, so that who reads or
 * writes is never surprised half-way. The receiver runs no user code before it returns.
 */
export interface LinkEvents {
  /** Something new may be read. */
  readable(): void
  /** There is room again, or `pending` has fallen. */
  writable(): void
  /**
   * The incoming side is finished and `read` has handed out everything: cleanly when the peer said so, with `error`
   * when it died or misbehaved. Called once.
   */
  end(error?: StraitError): void
  /** The outgoing side is broken. What has arrived can still be read; `end` follows. Called at most once. */
  fail(error: StraitError): void
}

/**
 * One end of a connection over one mechanism, as a transport author writes it. Readiness, not push: not reading *is*
 * backpressure. `BaseChannel` makes a `Channel` of it and alone keeps the contract.
 */
export interface Link {
  /** Set by whoever owns the link, before anything else is called. */
  events: LinkEvents
  /** How many messages were taken by `write` and have not wholly left this process. */
  readonly pending: number
  /** The largest message that both ends accept, in bytes. */
  readonly maxMessageSize: number
  /** Takes the next whole message, or undefined: none now, and `readable` or `end` will follow. Never waits. */
  read(): Uint8Array | undefined
  /**
   * As `read`, but where that only knows what `readable` has told, this looks for itself, and again for some µs if
   * `patiently`. For mechanisms that are faster than a turn of the event loop.
   */
  look?(patiently: boolean): Uint8Array | undefined
  /**
   * Takes the whole message, or refuses it: then `writable` will follow. Never waits. Keeps no reference, but to a
   * `lent` message, which nobody changes, until it has left.
   */
  write(message: Uint8Array, lent?: boolean): boolean
  /** Says the end to the peer behind everything taken. Resolves when that has left, or cannot any more. */
  shutdown(): Promise<void>
  /**
   * Blocks the thread until something may be read, if `reading`, or `pending` may fall, or for `ms`; then reports what
   * happened as always. Returns at once when it would wait for neither. Where a thread can wait for the mechanism.
   */
  wait?(reading: boolean, ms: number): void
  /** Releases everything, at once. Called once, last. */
  destroy(): void
  ref(): void
  unref(): void
}

/** A byte stream with the same manners; `framed` makes a `Link` of it. */
export interface ByteLink {
  events: LinkEvents
  /** The bytes that came next, or undefined: none now. They are the caller's and never change. */
  read(): Uint8Array | undefined
  /**
   * Writes both arrays, one behind the other. True: all bytes have left, and the arrays are the caller's again.
   * False: the rest is still leaving, the arrays must stay as they are, and nothing may be written before `writable`.
   */
  write(bytes: Uint8Array, more?: Uint8Array): boolean
  /** Blocks the thread until it may be read, or written where `writing`, or for `ms`; reports what happened as always. */
  wait?(reading: boolean, writing: boolean, ms: number): void
  destroy(): void
  ref(): void
  unref(): void
}

/**
 * A mechanism that keeps boundaries, up to a size, and can be left unread; `packeted` makes a `Link` of it. A packet is
 * a kind and a payload. Its `end` is a mere hang-up.
 */
export interface PacketLink {
  events: LinkEvents
  /** The longest payload, in bytes. */
  readonly maxPacketSize: number
  /** Of the packet that was read last. */
  readonly kind: number
  /** The payload of the next packet, or undefined: none now. Its bytes are the caller's and never change. */
  read(): Uint8Array | undefined
  /** As that of a {@link Link}. */
  look?(patiently: boolean): Uint8Array | undefined
  /** What messages that do not fit are best cut into, in bytes. Default: as long as can be. */
  readonly partSize?: number
  /**
   * Takes the next packet if it is a MORE with a payload that fits into `target` from `offset` on, and puts it there; looks
   * patiently. Returns its length; 0: there is none, or another one.
   */
  readPart?(target: Uint8Array, offset: number): number
  /**
   * Sends a packet, or refuses it: then `writable` will follow. The payload is `prefix`, 4 bytes, where there is one,
   * and `body`. Never waits, keeps no reference.
   */
  write(kind: Kind, body: Uint8Array, prefix?: Uint8Array): boolean
  /** The last packet that `write` took has not left this process; when it has, `writable` follows. Where that can be. */
  readonly pending?: boolean
  /** As that of a {@link ByteLink}. */
  wait?(reading: boolean, writing: boolean, ms: number): void
  destroy(): void
  ref(): void
  unref(): void
}

const nothing = () => {}

/** The events of a link that has no owner yet, or none any more. */
export const NO_EVENTS: LinkEvents = { readable: nothing, writable: nothing, end: nothing, fail: nothing }
