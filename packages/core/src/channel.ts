import type { StraitError } from './error.js'

/** What every operation that may wait takes. */
export interface WaitOptions {
  /** Ends the wait. The operation then rejects with `ABORTED` and has had no effect. */
  signal?: AbortSignal | undefined
}

/** What every operation that blocks its thread takes: no signal reaches a blocked thread. */
export interface SyncWaitOptions {
  /** Ends the wait with `TIMEOUT` after so many ms; the operation has then had no effect. Default: never. */
  timeout?: number | undefined
}

/** Options of `listen` and `connect` that every transport understands. */
export interface ChannelOptions extends WaitOptions {
  /**
   * Shared secret. Both ends prove that they know it, and neither sends it. HMAC's own rules hold: zero bytes at the
   * end of a key of up to 64 bytes do not count. Default: none.
   */
  key?: string | Uint8Array | undefined
  /** Largest message, in bytes, that this end accepts. Default: {@link DEFAULT_MAX_MESSAGE_SIZE}. */
  maxMessageSize?: number | undefined
  /** How long the other end may take to greet, in ms. Default: 10,000. */
  handshakeTimeout?: number | undefined
  /**
   * Pings a peer that has been silent for this long, in ms, and fails the channel with `TIMEOUT` when it stays
   * silent as long again. A peer whose program does not read cannot answer either. Default: never.
   */
  idleTimeout?: number | undefined
}

export interface ConnectOptions extends ChannelOptions {
  /** How long to try again while nobody listens, in ms, so that the ends may start in either order. Default: 0. */
  wait?: number | undefined
}

export interface ListenOptions extends ChannelOptions {
  /** How many channels may be greeting or wait for `accept`; further ones are refused. Default: 1,024. */
  backlog?: number | undefined
}

/** 16 MiB. */
export const DEFAULT_MAX_MESSAGE_SIZE = 16 * 1024 * 1024

/** 1 GiB: what `maxMessageSize` may be at most. */
export const LARGEST_MAX_MESSAGE_SIZE = 1024 * 1024 * 1024

/** What a transport can and cannot do. Plain data: users decide by it, and the conformance suite tests it. */
export interface Capabilities {
  /** Bytes; the default of the `maxMessageSize` option, or the mechanism's own limit. */
  readonly maxMessageSize: number
  /** Whether the mechanism keeps message boundaries itself, or Strait frames a byte stream. */
  readonly boundaries: 'native' | 'framed'
  /** A killed peer is noticed without sending to it. */
  readonly detectsPeerDeath: boolean
  /** Messages whose `send` has resolved arrive even when the sender is killed afterwards. */
  readonly survivesSenderDeath: boolean
  /** Whole messages that had arrived are still handed out after the peer was killed, also after a failed send. */
  readonly deliversAfterPeerDeath: boolean
  /** `channel.peer` says who is there, on the kernel's word. */
  readonly peerCredentials: boolean
  /** Another user cannot connect: by file mode, credentials, inheritance or key. */
  readonly private: boolean
  /** A kernel object can outlive both ends; the next `listen` finds and takes it. */
  readonly persistent: boolean
  /** Channels have `sendSync` and `receiveSync`. */
  readonly sync: boolean
  /** Works in worker threads too, which may be terminated at any moment. */
  readonly threads: boolean
  /** How far apart the ends may be. */
  readonly scope: 'process' | 'family' | 'host' | 'network'
}

/** Who is at the other end, where the kernel vouches for it. */
export interface PeerInfo {
  readonly pid?: number | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** How a channel came to its end. */
export interface CloseInfo {
  readonly by: 'local' | 'peer'
  /** Present when the end was not a clean one. */
  readonly error?: StraitError | undefined
}

/**
 * One end of a conversation: messages there, messages back, each direction in order and bounded.
 *
 * The full contract, with the numbers of its clauses, is docs/contract.md.
 */
export interface Channel extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly url: URL
  readonly capabilities: Capabilities
  readonly peer: PeerInfo | undefined
  /** `closing` lasts from `close()`, or from the peer's end, until everything is released. */
  readonly state: 'open' | 'closing' | 'closed'
  /** Resolves when the channel has ended and released everything. Never rejects. */
  readonly closed: Promise<CloseInfo>

  /**
   * Takes the message, or returns false: full, and nothing was taken. Never waits.
   *
   * - Order: as called; false while an earlier `send` waits.
   * - Ownership: the buffer is the caller's again on return.
   * - Errors: throws what `send` rejects with.
   */
  trySend(message: Uint8Array): boolean

  /**
   * Resolves when the last byte of the message has left this process, not when the peer has read it.
   *
   * - Order: messages arrive in the order in which `send` was called.
   * - Abort: `signal` takes the message back while it waits for its turn; once the mechanism has taken it, only
   *   `abort()` ends the wait.
   * - Ownership: the buffer is the caller's again when the promise settles.
   * - Errors: `TOO_LARGE`, `CLOSED` after either end closed, `ABORTED`, and the channel's failure (`RESET`, …).
   */
  send(message: Uint8Array, options?: WaitOptions): Promise<void>

  /**
   * Resolves when the last byte of all messages that were taken has left this process, as `send` does of one: what
   * `trySend` takes may travel together with what follows in the same turn. undefined: nothing is here any more.
   *
   * - Errors: those of `send`, of a message that had not left.
   */
  flushed(): Promise<void> | undefined

  /** The next message, or undefined: none now. Never waits. Throws the channel's failure once all is handed out. */
  tryReceive(): Uint8Array | undefined

  /**
   * The next message, or undefined for ever: the clean end.
   *
   * - Order: receives are served in the order in which they were called.
   * - Abort: an aborted receive has taken no message.
   * - Ownership: the bytes are the caller's and never change; `.buffer` may be shared with other messages.
   * - Errors: `ABORTED`; the channel's failure, after everything that had arrived whole was handed out.
   */
  receive(options?: WaitOptions): Promise<Uint8Array | undefined>

  /**
   * Resolves when `tryReceive` has something to say: a message, the end or the failure. Takes nothing, so who waits
   * for one of many channels loses nothing of the others; {@link merge} does. Another receive may be faster.
   *
   * - Abort: leaves no trace.
   * - Errors: only `ABORTED`.
   */
  readable(options?: WaitOptions): Promise<void>

  /**
   * Sends what was accepted, tells the peer, waits for the peer's end, releases. Idempotent. Unread messages are
   * dropped and waiting receives resolve with undefined.
   *
   * - Abort: `signal` turns a slow close into `abort()`; the promise then rejects with `ABORTED`.
   * - Errors: none besides; what went wrong stands in `closed`.
   */
  close(options?: WaitOptions): Promise<void>

  /** Ends at once: unsent and unread messages are dropped, everything that waits rejects with `ABORTED`. Idempotent. */
  abort(reason?: unknown): void

  /** An open channel keeps the process alive until `unref()`. */
  ref(): this
  unref(): this
}

/**
 * A channel over a mechanism for which a thread can block: for worker threads, and processes that have nothing else
 * to do. Meanwhile no timer runs and no promise settles. The thread, or its process, may still be ended at any moment.
 */
export interface SyncChannel extends Channel {
  /**
   * Returns when the last byte of the message has left this process.
   *
   * - Order: behind every `send` that waits.
   * - Timeout: counts until the mechanism takes the message; a message of which a part has left goes on leaving.
   * - Errors: those of `send`, and `TIMEOUT`.
   */
  sendSync(message: Uint8Array, options?: SyncWaitOptions): void
  /**
   * The next message, or undefined for ever: the clean end.
   *
   * - Order: behind every `receive` that waits.
   * - Timeout: no message was taken.
   * - Errors: those of `receive`, and `TIMEOUT`.
   */
  receiveSync(options?: SyncWaitOptions): Uint8Array | undefined
}

/** Waits for channels. */
export interface Listener<C extends Channel = Channel> extends AsyncIterable<C>, AsyncDisposable {
  /** As bound and connectable as printed: port 0 is replaced by the port. */
  readonly url: URL
  /** The next channel, or undefined: the listener is closed. An aborted accept has taken none. */
  accept(options?: WaitOptions): Promise<C | undefined>
  /** Stops listening, gives the name back, aborts what nobody accepted. Accepted channels live on. Idempotent. */
  close(): Promise<void>
  ref(): this
  unref(): this
}

/** A mechanism's implementation. Which functions there are says how two ends can meet. */
export interface Transport<C extends Channel = Channel> {
  readonly schemes: readonly string[]
  readonly capabilities: Capabilities
  /**
   * Resolves when `connect` will succeed.
   *
   * - Errors: `ADDRESS_IN_USE`, `ADDRESS_INVALID`, `PERMISSION`, `NO_RESOURCES`, `NOT_SUPPORTED`.
   */
  listen?(url: URL, options?: ListenOptions): Promise<Listener<C>>
  /**
   * Resolves when the other end has greeted.
   *
   * - Errors: `REFUSED` nobody is there; `AUTH_FAILED` wrong key; `CORRUPT` the other end does not speak Strait;
   *   `TIMEOUT`; `ADDRESS_INVALID`; `PERMISSION`; `ABORTED`.
   */
  connect?(url: URL, options?: ConnectOptions): Promise<C>
  /** Both ends in this process. */
  pair?(options?: ChannelOptions): Promise<[C, C]>
}
