import {
  type PeerInfo,
  StraitError,
  type SyncWaitOptions,
  throwIfAborted,
  type WaitOptions,
} from '@strait/core'
import { check, kernelError, native } from './native.js'
import { Outgoing } from './outgoing.js'
import type { ReceivedDescriptor } from './received-descriptor.js'
import { receiveMessage } from './receiving.js'
import { checkLength } from './scratch.js'
import { nameOf, reach, type UnixAddress } from './unix-address.js'
import {
  addressOf,
  bindPath,
  kindOf,
  open,
  peerCredentials,
  typeOf,
  type UnixKind,
  unlinkOwn,
} from './unix-calls.js'
import { SendParcel } from './unix-sending.js'
import { Pollable } from './waiting.js'

export interface UnixConnectOptions {
  /** `stream` unless told. */
  kind?: UnixKind | undefined
  /** The uid of a user whose socket file is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

export interface UnixBindOptions {
  /** Who may send to a socket file, whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

export interface SendOptions {
  /** Descriptors to pass along; the receiver gets his own for the same open files. At most 253. They stay yours. */
  descriptors?: readonly number[] | undefined
  /** Where a datagram goes, unless the socket is connected. */
  to?: UnixAddress | undefined
  /** The uid of a user whose socket file at `to` is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

export interface ReceiveOptions {
  /**
   * Of a stream: at most so many bytes at once, 64 KiB unless told. Of messages: a longer one is an error, 256 KiB
   * unless told, which is more than the kernel lets others send by default.
   */
  maxLength?: number | undefined
  /** How many descriptors are accepted with it. None unless told. What comes beyond is closed. */
  maxDescriptors?: number | undefined
}

/** What came in. The bytes and the descriptors are the receiver's. */
export interface Received {
  readonly bytes: Uint8Array
  /** Close each, or take it. */
  readonly descriptors: readonly ReceivedDescriptor[]
  /** How many descriptors came beyond `maxDescriptors`, or beyond what this process may have open; they are closed. */
  readonly refused: number
  /** Who sent a datagram; undefined for one who has no address. */
  readonly from: UnixAddress | undefined
}

const DEFAULT_MESSAGE = 256 * 1024
const DEFAULT_PART = 64 * 1024
const MOST_DESCRIPTORS = 253
const ECONNRESET = -104

/**
 * A Unix socket, one end; unix(7). `stream` carries bytes, `seqpacket` messages, each over a connection; `datagram`
 * carries messages to addresses. All are reliable and keep order, and all may carry descriptors.
 */
export class UnixSocket implements Disposable {
  readonly kind: UnixKind
  readonly #pollable: Pollable
  readonly #outgoing: Outgoing
  readonly #waiting = new Set<Pollable>()
  #unlink: (() => void) | undefined
  #reset: StraitError | undefined
  #ended = false

  private constructor(descriptor: number, kind: UnixKind, name: string) {
    this.kind = kind
    this.#pollable = new Pollable(descriptor, name)
    this.#outgoing = new Outgoing(this.#pollable, 'send')
  }

  /** Two sockets, connected to each other; socketpair(2). Errors: `NO_RESOURCES`. */
  static pair(kind: UnixKind = 'stream'): [UnixSocket, UnixSocket] {
    const ends = new Int32Array(2)
    check(native('pair').socketpair(typeOf(kind), ends), 'pair', 'unix:')
    return [new UnixSocket(ends[0]!, kind, 'unix:'), new UnixSocket(ends[1]!, kind, 'unix:')]
  }

  /**
   * Connects, at once or not at all: the kernel tells nobody when a full backlog has room again.
   *
   * - Errors: `REFUSED` nobody listens, or the backlog is full; `PERMISSION` the mode, a symbolic link, or somebody
   *   else's socket; `ADDRESS_INVALID` no socket, one of another kind, or an address that does not fit.
   */
  static connect(address: UnixAddress, { kind = 'stream', owner }: UnixConnectOptions = {}): UnixSocket {
    const target = reach(address, 'connect', owner)
    try {
      const descriptor = open(kind, 'connect')
      const result = native().connect(descriptor, target.bytes)
      if (result >= 0) return new UnixSocket(descriptor, kind, nameOf(address))
      native().close(descriptor)
      throw kernelError(result, 'connect', nameOf(address), CONNECTING)
    } finally {
      target.close()
    }
  }

  /**
   * A datagram socket that others may send to. A path has its mode from the beginning, and is removed by `close` if it
   * is still this socket's.
   *
   * - Errors: `ADDRESS_IN_USE` something has the address; `ADDRESS_INVALID`; `PERMISSION`.
   */
  static bind(address: UnixAddress, { mode = 0o600 }: UnixBindOptions = {}): UnixSocket {
    const { descriptor, identity } = bindPath(address, 'datagram', mode, 'bind')
    const socket = new UnixSocket(descriptor, 'datagram', nameOf(address))
    if (identity !== undefined) socket.#unlink = () => unlinkOwn(address as string, identity)
    return socket
  }

  /** A datagram socket without an address, to send from. Errors: `NO_RESOURCES`. */
  static unbound(): UnixSocket {
    return new UnixSocket(open('datagram', 'open'), 'datagram', 'unix:')
  }

  /**
   * Takes over a descriptor that was inherited, received or accepted; errors call it by `name`. No call on it blocks,
   * whatever its flags are.
   *
   * - Errors: `ADDRESS_INVALID` it is no Unix socket. Then it stays the caller's.
   */
  static fromDescriptor(descriptor: number, name = `descriptor ${descriptor}`): UnixSocket {
    const kind = kindOf(descriptor, name)
    native().own(descriptor)
    return new UnixSocket(descriptor, kind, name)
  }

  /** The descriptor, for the `stdio` of a child or to pass on. It stays this object's. */
  get descriptor(): number {
    this.#pollable.ensureOpen('descriptor')
    return this.#pollable.descriptor
  }

  get closed(): boolean {
    return this.#pollable.closed
  }

  /** The peer sends nothing more, and everything has been received. */
  get ended(): boolean {
    return this.#ended
  }

  /** Its own address; undefined: it has none. */
  get address(): UnixAddress | undefined {
    return addressOf(this.descriptor, this.#pollable.name)
  }

  /**
   * Who was at the other end when the two were connected, by the kernel's word; `SO_PEERCRED`. undefined: not
   * connected. A process of another PID namespace has no pid.
   */
  get peer(): PeerInfo | undefined {
    return peerCredentials(this.descriptor, this.#pollable.name)
  }

  /**
   * Sends what goes now: a message whole or not, of a stream perhaps a part. Descriptors go with its first byte.
   *
   * @returns how many bytes went; undefined: none now, or others are before it.
   */
  trySend(bytes: Uint8Array, options?: SendOptions): number | undefined {
    using parcel = this.#parcel(bytes, options)
    return this.#outgoing.try(parcel)
  }

  /**
   * Resolves when everything is in the kernel's buffers.
   *
   * - Order: as called; who sends to a full receiver delays those behind.
   * - Abort: counts until the first byte is out; then nothing has been sent. Afterwards only `close` ends the wait.
   * - Ownership: bytes and descriptors must stay as they are until then; then they are the caller's again.
   * - Errors: `RESET` the peer is gone; `REFUSED` nobody receives datagrams there; `TOO_LARGE` a message that the kernel
   *   does not carry; `CLOSED`, also meanwhile; `ABORTED`; `RangeError` an empty message of seqpacket, which would look
   *   like the end, or more than 253 descriptors, or some without a byte that carries them.
   */
  async send(bytes: Uint8Array, options: SendOptions & WaitOptions = {}): Promise<void> {
    using parcel = this.#parcel(bytes, options)
    await this.#outgoing.send(parcel, options)
  }

  /**
   * The same, blocking the thread. It goes before sends that wait, but behind one that is out in part.
   *
   * - Errors: those; `TIMEOUT`, which says how much is out if anything is.
   */
  sendSync(bytes: Uint8Array, options: SendOptions & SyncWaitOptions = {}): void {
    using parcel = this.#parcel(bytes, options)
    this.#outgoing.sendSync(parcel, options)
  }

  #parcel(bytes: Uint8Array, { descriptors = [], to, owner }: SendOptions = {}): SendParcel {
    this.#pollable.ensureOpen('send')
    if (descriptors.length > MOST_DESCRIPTORS)
      throw new RangeError(`at most ${MOST_DESCRIPTORS} descriptors go together, not ${descriptors.length}`)
    if (this.kind === 'seqpacket' && bytes.length === 0)
      throw new RangeError('an empty message of a seqpacket socket looks like its end')
    if (this.kind === 'stream' && bytes.length === 0 && descriptors.length > 0)
      throw new RangeError('descriptors of a stream need a byte that carries them')
    if (to !== undefined && this.kind !== 'datagram')
      throw new TypeError('only datagrams have a destination of their own')
    const target = to === undefined ? undefined : reach(to, 'send', owner)
    return new SendParcel(this.#pollable, this.#waiting, bytes, Int32Array.from(descriptors), target)
  }

  /** What is there; undefined: nothing now, or the end, which `ended` tells. Goes before those who wait. */
  tryReceive(options: ReceiveOptions = {}): Received | undefined {
    this.#pollable.ensureOpen('receive')
    return this.#attempt(options)()?.received
  }

  /**
   * The next message, or of a stream the next bytes; undefined: the end, for ever. Datagrams have no end.
   *
   * - Order: as called.
   * - Abort: nothing was received.
   * - Errors: `RESET` the peer went away without reading what we had sent, told after everything that it had sent
   *   itself; `TOO_LARGE` a message longer than `maxLength` came, which is lost, and the next can be received;
   *   `CLOSED`, also meanwhile; `ABORTED`.
   */
  async receive(options: ReceiveOptions & WaitOptions = {}): Promise<Received | undefined> {
    throwIfAborted('receive', this.#pollable.name, options.signal)
    const attempt = this.#attempt(options)
    return (await this.#pollable.run('incoming', 'receive', attempt, options)).received
  }

  /**
   * The same, blocking the thread.
   *
   * - Errors: those; `TIMEOUT`.
   */
  receiveSync(options: ReceiveOptions & SyncWaitOptions = {}): Received | undefined {
    return this.#pollable.runSync('incoming', 'receive', this.#attempt(options), options).received
  }

  #attempt({ maxLength, maxDescriptors = 0 }: ReceiveOptions) {
    const length = maxLength ?? (this.kind === 'stream' ? DEFAULT_PART : DEFAULT_MESSAGE)
    checkLength('maxLength', length)
    checkLength('maxDescriptors', maxDescriptors, 0, MOST_DESCRIPTORS)
    const { descriptor, name } = this.#pollable
    return (): { received: Received | undefined } | undefined => {
      if (this.#ended) return this.#end()
      let result = receiveMessage(descriptor, name, this.kind, length, maxDescriptors)
      // A peer that died with unread input: the error comes first, what it sent is behind it.
      if (result === ECONNRESET) {
        this.#reset = kernelError(ECONNRESET, 'receive', name)
        result = receiveMessage(descriptor, name, this.kind, length, maxDescriptors)
      }
      if (result === undefined) return undefined
      if (result === 'end') {
        this.#ended = true
        return this.#end()
      }
      if (typeof result === 'number') throw kernelError(result, 'receive', name)
      return { received: result }
    }
  }

  #end(): { received: undefined } {
    if (this.#reset !== undefined) throw this.#reset
    return { received: undefined }
  }

  /**
   * Sends no more: the peer receives everything sent before, then the end. Resolves when the sends called before have
   * left; shutdown(2). Receiving goes on.
   *
   * - Errors: `CLOSED`; `NOT_SUPPORTED` datagrams have no end.
   */
  async end(): Promise<void> {
    const { descriptor, name } = this.#pollable
    if (this.kind === 'datagram')
      throw new StraitError('NOT_SUPPORTED', 'datagrams have no end', { operation: 'end', url: name })
    await this.#outgoing.afterwards(() => {
      this.#pollable.ensureOpen('end')
      check(native().shutdown(descriptor, SHUT_WR), 'end', name)
    })
  }

  /** Closes it, and removes the path that it was bound to. Who waits gets `CLOSED`. Idempotent. */
  close(): void {
    this.#pollable.close()
    for (const pollable of this.#waiting) pollable.close()
    this.#unlink?.()
    this.#unlink = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

const SHUT_WR = 1

const CONNECTING = {
  EPROTOTYPE: ['ADDRESS_INVALID', 'a socket of another kind is there'],
} as const
