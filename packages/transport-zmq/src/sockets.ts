import { isMainThread } from 'node:worker_threads'
import { type ChannelOptions, DEFAULT_MAX_MESSAGE_SIZE, StraitError } from '@strait/core'
import { capability, context, Dealer, type Event, type Observer, Router, type SocketOptions } from 'zeromq'

/**
 * One ZeroMQ frame is one unit: its kind, one byte, then its payload. What is no unit begins with one of these bytes,
 * which are no kinds.
 *
 * ```text
 *  0        1
 *  +--------+---------------------
 *  | kind   | payload ...
 *  +--------+---------------------
 * ```
 */
export const Signal = {
  /** The other end has hung up: it says so itself, or ZeroMQ in its place, behind everything that came from it. */
  GONE: 255,
  /** Means nothing. It only makes a pending receive return. */
  NUDGE: 254,
} as const

export const GONE = new Uint8Array([Signal.GONE])
export const NUDGE = new Uint8Array([Signal.NUDGE])

/**
 * How long a closed socket may still be sending, in ms; so long at most it also keeps a process from ending. zeromq
 * complains on stderr after 500.
 */
export const LINGER = 400

/**
 * How many frames of one peer may be in this process before the program's thread has seen them; then ZeroMQ stops
 * reading from it. Credits let a peer have 8,192 small messages on the way, so only one that ignores them gets here.
 */
const MOST_FRAMES = 16_384

/** What a frame may be longer than a message: its kind, CURVE's box, the greeting of a peer with a tiny limit. */
const SLACK = 1024

// Options of libzmq that zeromq has no names for; zmq_setsockopt(3), zmq.h.
const ZMQ_IPC_FILTER_UID = 59
const ZMQ_DISCONNECT_MSG = 111
const ZMQ_HICCUP_MSG = 114

/**
 * How many sockets ZeroMQ may have in this process; a `connect` takes three. ZeroMQ's own 1,023 are few, and out of them
 * half-way through a `connect` it waits for ever. Has no effect when somebody else has made a socket before.
 */
const MOST_SOCKETS = 16_384
if (context.maxSockets < MOST_SOCKETS) context.maxSockets = MOST_SOCKETS

/** A `Router` that is told in band when a peer has gone, and may ask who knocks. */
export class ListeningSocket extends Router {
  constructor(gone: Buffer, options: SocketOptions<Router>) {
    super(options)
    this.setStringOption(ZMQ_DISCONNECT_MSG, gone)
  }

  /** Lets only processes of this user, and root's, connect over a Unix socket, on the kernel's word. */
  admitOnlyThisUser(): void {
    for (const uid of new Set([process.geteuid!(), 0])) this.setUint32Option(ZMQ_IPC_FILTER_UID, uid)
  }
}

/** A `Dealer` that connects once, and is told in band when the connection has gone. */
export class ConnectingSocket extends Dealer {
  readonly #events: Observer
  #next: Promise<Event> | undefined

  constructor(options: SocketOptions<Dealer>) {
    // Never again, but not -1: then ZeroMQ ends the pipe with the connection, and what was unread in it is lost.
    super({ ...options, reconnectInterval: 0x3fffffff })
    this.setStringOption(ZMQ_HICCUP_MSG, Buffer.from(GONE))
    this.#events = this.events
  }

  /** What ZeroMQ's monitor says next; the last event is `end`. */
  nextEvent(): Promise<Event> {
    this.#next ??= this.#events.receive().finally(() => {
      this.#next = undefined
    })
    return this.#next
  }

  override close(): void {
    if (this.closed) return
    super.close()
    void this.#readEvents()
  }

  /** A monitor is read until ZeroMQ ends it: closed before, it blocks ZeroMQ's threads at the next event. */
  async #readEvents(): Promise<void> {
    while (!this.#events.closed) await this.nextEvent()
  }
}

/** What both kinds of socket have in common. */
export function socketOptions({
  maxMessageSize = DEFAULT_MAX_MESSAGE_SIZE,
  handshakeTimeout,
}: ChannelOptions) {
  return {
    // One I/O thread, so that what it is asked to do happens in order.
    affinity: 1,
    linger: LINGER,
    // A send never waits: credits bound what is on the way.
    sendHighWaterMark: 0,
    sendTimeout: 0,
    receiveHighWaterMark: MOST_FRAMES,
    maxMessageSize: maxMessageSize + SLACK,
    ...(handshakeTimeout === undefined ? {} : { handshakeInterval: Math.ceil(handshakeTimeout) }),
  }
}

/**
 * Throws `NOT_SUPPORTED` where libzmq was built without the draft options that tell of a peer's death in band, and in a
 * worker thread: `zeromq` ends the whole process when one is terminated in the moment of a call.
 */
export function checkSupport(operation: string, url: URL): void {
  const fail = (reason: string) => new StraitError('NOT_SUPPORTED', reason, { operation, url })
  if (!capability.draft) throw fail('libzmq was built without its draft options')
  if (!isMainThread) throw fail('ZeroMQ works in the main thread only; docs/adr/0005-zmq-main-thread.md')
}
