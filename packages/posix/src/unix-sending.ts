import { check, isAgain, kernelError, type Meanings, native } from './native.js'
import type { Parcel } from './outgoing.js'
import { open } from './unix-calls.js'
import { Pollable } from './waiting.js'

/** Where a datagram goes, as `reach` found it. */
export interface Target {
  readonly bytes: Uint8Array
  close(): void
}

/** Bytes and descriptors on their way to the peer or to another address. */
export class SendParcel implements Parcel, Disposable {
  readonly length: number
  readonly #socket: Pollable
  readonly #waiting: Set<Pollable>
  readonly #bytes: Uint8Array
  readonly #descriptors: Int32Array
  readonly #target: Target | undefined
  #watcher: Pollable | undefined

  constructor(
    socket: Pollable,
    waiting: Set<Pollable>,
    bytes: Uint8Array,
    descriptors: Int32Array,
    target: Target | undefined,
  ) {
    this.length = bytes.length
    this.#socket = socket
    this.#waiting = waiting
    this.#bytes = bytes
    this.#descriptors = descriptors
    this.#target = target
  }

  send(from: number): number | undefined {
    const { descriptor, name } = this.#socket
    // Descriptors travel with the first byte.
    const descriptors = from === 0 && this.#descriptors.length > 0 ? this.#descriptors : undefined
    const bytes = from === 0 ? this.#bytes : this.#bytes.subarray(from)
    const count = native().send(descriptor, bytes, undefined, descriptors, this.#target?.bytes)
    return isAgain(count) ? undefined : check(count, 'send', name, SENDING)
  }

  /**
   * The socket itself, or for a datagram to an address another one that is connected there while the receiver's queue is
   * full: that one is not writable then, whereas ours would say that it is.
   */
  pollable(): Pollable {
    if (this.#target === undefined) return this.#socket
    if (this.#watcher === undefined) {
      const { name } = this.#socket
      const watcher = new Pollable(open('datagram', 'send'), name)
      const result = native().connect(watcher.descriptor, this.#target.bytes)
      if (result < 0) {
        watcher.close()
        throw kernelError(result, 'send', name, SENDING)
      }
      this.#watcher = watcher
      this.#waiting.add(watcher)
    }
    const { POLLOUT } = native()
    const room = (native().pollNow(this.#watcher.descriptor, POLLOUT, -1, 0, 0) & POLLOUT) !== 0
    return room ? this.#socket : this.#watcher
  }

  [Symbol.dispose](): void {
    this.#target?.close()
    if (this.#watcher === undefined) return
    this.#waiting.delete(this.#watcher)
    this.#watcher.close()
  }
}

const SENDING: Meanings = {
  EMSGSIZE: [
    'TOO_LARGE',
    'the kernel does not carry a message of this length; `sysctl net.core.wmem_max` and SO_SNDBUF limit it',
  ],
  ECONNREFUSED: ['REFUSED', 'nobody receives there'],
  ENOTCONN: ['REFUSED', 'the socket is not connected; name the receiver with `to`'],
  EPROTOTYPE: ['ADDRESS_INVALID', 'a socket of another kind is there'],
  EPERM: ['PERMISSION', 'the receiver is connected to somebody else'],
  EBADF: ['ADDRESS_INVALID', 'one of `descriptors` is not open'],
  ETOOMANYREFS: [
    'NO_RESOURCES',
    'too many passed descriptors have not been received yet; `ulimit -n` shows and raises the limit',
  ],
}
