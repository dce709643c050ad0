import { type Kind, type LinkEvents, NO_EVENTS, type PacketLink, StraitError } from '@strait/core'
import { isAgain, kernelError, type Native, native, Readiness } from '@strait/posix'

/** The longest packet, in bytes. The kernel's buffer for one direction, 212,992 bytes by default, holds several. */
const MAX_PACKET_SIZE = 32 * 1024

/** The kind of a packet stands in front of its payload, in one byte. */
const KIND_SIZE = 1

/** Packets for which memory is made at once. */
const PACKETS_PER_SLAB = 4

/** So many descriptors may wait to be taken, or those of two packets where that is more. */
const MOST_UNTAKEN = 64

const ECONNRESET = -104
const EMFILE = -24

/** The kernel passes no more descriptors in one message; SCM_MAX_FD. */
export const MOST_DESCRIPTORS = 253

/**
 * A Unix SEQPACKET socket that is connected, as a `PacketLink`; unix(7). It owns the descriptor, and does not touch it
 * once it is destroyed: the number may be somebody else's by then. Packets may carry descriptors; more than
 * `mostDescriptors` in one, or many that nobody takes, end it as `CORRUPT`, and those stay closed.
 */
export class SocketPackets implements PacketLink {
  events: LinkEvents = NO_EVENTS
  readonly maxPacketSize = MAX_PACKET_SIZE - KIND_SIZE
  kind = 0
  readonly #native: Native = native()
  /** For who sends on it what needs no turn of JavaScript; it stays these packets'. */
  readonly descriptor: number
  readonly #url: URL
  readonly #readiness: Readiness
  readonly #info = new Int32Array(3)
  readonly #kind = new Uint8Array(KIND_SIZE)
  readonly #arriving = new Int32Array(MOST_DESCRIPTORS)
  #longest = MAX_PACKET_SIZE
  #slab = new Uint8Array(0)
  #offset = 0
  #drained = true
  #ended = false
  #broken = false
  #failure: StraitError | undefined
  #destroyed = false

  /** How many descriptors one packet may bring. */
  mostDescriptors = 0
  /** What came with a packet, by its bytes. Who takes it owns it. */
  readonly #received = new Map<ArrayBufferLike, Map<number, number[]>>()
  #untaken = 0
  /** What goes with a packet whose body is this. */
  readonly #attached = new Map<Uint8Array, Int32Array>()

  constructor(descriptor: number, url: URL) {
    this.descriptor = descriptor
    this.#url = url
    try {
      this.#readiness = new Readiness(descriptor, (events) => this.#onReady(events))
    } catch (error) {
      this.#native.close(descriptor)
      throw error
    }
    this.#readiness.watch(this.#native.UV_READABLE)
    this.#readiness.ref()
  }

  #onReady(events: number): void {
    const { UV_READABLE, UV_WRITABLE } = this.#native
    if ((events & UV_WRITABLE) !== 0) {
      this.#readiness.watch(this.#readiness.events & ~UV_WRITABLE)
      this.events.writable()
    }
    if ((events & UV_READABLE) === 0 || this.#ended || this.#destroyed) return
    this.#drained = false
    this.events.readable()
    // Nobody wants it now; the next read will watch again.
    if (!this.#drained) this.#readiness.watch(this.#readiness.events & ~UV_READABLE)
  }

  read(): Uint8Array | undefined {
    if (this.#drained || this.#ended || this.#destroyed) return undefined
    if (this.#slab.length - this.#offset < this.#longest) {
      this.#slab = new Uint8Array(PACKETS_PER_SLAB * this.#longest)
      this.#offset = 0
    }
    let count = this.#receive()
    // A peer that died with unread input: the error comes first, what it sent is behind it.
    if (count === ECONNRESET) count = this.#receive()
    if (isAgain(count)) {
      this.#drained = true
      this.#readiness.watch(this.#readiness.events | this.#native.UV_READABLE)
      return undefined
    }
    if (count < 0) return this.#end(kernelError(count, 'receive', this.#url.href))
    const refusal = this.#keepDescriptors(count)
    if (count === 0 || refusal !== undefined) return this.#end(refusal)
    this.kind = this.#slab[this.#offset]!
    const payload = new Uint8Array(this.#slab.buffer, this.#offset + KIND_SIZE, count - KIND_SIZE)
    this.#offset += count
    return payload
  }

  #receive(): number {
    return this.#native.receive(
      this.descriptor,
      this.#slab,
      this.#offset,
      this.#longest,
      this.#info,
      this.#arriving,
    )
  }

  /** Keeps what came with a packet of so many bytes, or closes it and says why. */
  #keepDescriptors(size: number): StraitError | undefined {
    const [flags = 0, count = 0] = this.#info
    const { MSG_TRUNC, MSG_CTRUNC } = this.#native
    if (count === 0 && (flags & (MSG_TRUNC | MSG_CTRUNC)) === 0) return undefined
    const descriptors = [...this.#arriving.subarray(0, Math.min(count, MOST_DESCRIPTORS))]
    const refusal = this.#refuse(size, count)
    if (refusal !== undefined) {
      for (const descriptor of descriptors) this.#native.close(descriptor)
      return refusal
    }
    const { buffer } = this.#slab
    const there = this.#received.get(buffer) ?? new Map<number, number[]>()
    this.#received.set(buffer, there.set(this.#offset + KIND_SIZE, descriptors))
    this.#untaken += count
    return undefined
  }

  #refuse(length: number, count: number): StraitError | undefined {
    const [flags = 0] = this.#info
    const { MSG_TRUNC, MSG_CTRUNC } = this.#native
    // With an empty packet nothing may come: it is what a hang-up looks like.
    const most = length === 0 ? 0 : this.mostDescriptors
    const truncated = (flags & MSG_CTRUNC) !== 0
    if ((flags & MSG_TRUNC) !== 0) return this.#corrupt('a packet that is too long')
    if (count > most || (truncated && most === 0))
      return this.#corrupt(
        `${count === 1 ? 'a descriptor' : `${count} descriptors`} with a packet that may have ${most}`,
      )
    // There is always room for the most that the kernel passes; so there was none in this process.
    if (truncated) return kernelError(EMFILE, 'receive', this.#url.href)
    if (this.#untaken + count > Math.max(MOST_UNTAKEN, 2 * most))
      return this.#corrupt(`more descriptors than are taken here; ${this.#untaken} wait`)
    return undefined
  }

  #corrupt(what: string): StraitError {
    return new StraitError('CORRUPT', `the peer sent ${what}`, { operation: 'receive', url: this.#url })
  }

  #end(error: StraitError | undefined): undefined {
    this.#ended = true
    this.#readiness.watch(this.#readiness.events & ~this.#native.UV_READABLE)
    this.events.end(error)
  }

  /** From now on packets bring nothing but their kind, or end it as `CORRUPT`; nor is there memory kept for more. */
  expectEmpty(): void {
    this.mostDescriptors = 0
    this.#longest = KIND_SIZE
    this.#slab = new Uint8Array(0)
    this.#offset = 0
  }

  /** The descriptors that came with a packet, by its payload; the caller's from now on. */
  takeDescriptors({ buffer, byteOffset }: Uint8Array): number[] {
    const there = this.#received.get(buffer)
    const descriptors = there?.get(byteOffset) ?? []
    this.#untaken -= descriptors.length
    if (there?.delete(byteOffset) === true && there.size === 0) this.#received.delete(buffer)
    return descriptors
  }

  /** Sends descriptors along with the packet that has this body. `detach` when it will not be sent after all. */
  attachDescriptors(body: Uint8Array, descriptors: readonly number[]): void {
    this.#attached.set(body, Int32Array.from(descriptors))
  }

  detachDescriptors(body: Uint8Array): void {
    this.#attached.delete(body)
  }

  write(kind: Kind, body: Uint8Array, prefix?: Uint8Array): boolean {
    if (this.#destroyed) return false
    const attached = this.#attached.size === 0 ? undefined : this.#attached.get(body)
    const head = prefix === undefined ? this.#head(kind) : Uint8Array.of(kind, ...prefix)
    const count = this.#native.send(this.descriptor, head, body, attached)
    if (count >= 0) {
      if (attached !== undefined) this.#attached.delete(body)
      return true
    }
    if (isAgain(count)) {
      this.#readiness.watch(this.#readiness.events | this.#native.UV_WRITABLE)
    } else if (!this.#broken) {
      this.#broken = true
      this.#failure = kernelError(count, 'send', this.#url.href)
      process.nextTick(() => this.#tellFailure())
    }
    return false
  }

  #head(kind: Kind): Uint8Array {
    this.#kind[0] = kind
    return this.#kind
  }

  #tellFailure(): void {
    const error = this.#failure
    this.#failure = undefined
    if (error !== undefined) this.events.fail(error)
  }

  wait(reading: boolean, writing: boolean, ms: number): void {
    if (this.#destroyed) return
    // A blocked thread has no turns of the event loop.
    if (this.#failure !== undefined) {
      this.#tellFailure()
      return
    }
    const { POLLIN, POLLOUT, UV_READABLE, UV_WRITABLE } = this.#native
    const wanted = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)
    const ready = this.#native.pollNow(this.descriptor, wanted, -1, 0, ms) & 0xffff
    // An error or a hang-up is for whoever waits.
    const other = (ready & ~(POLLIN | POLLOUT)) !== 0
    this.#onReady(
      ((ready & POLLIN) !== 0 || (other && reading) ? UV_READABLE : 0) |
        ((ready & POLLOUT) !== 0 || (other && writing) ? UV_WRITABLE : 0),
    )
  }

  /** Ends the conversation for both ends, and leaves the rest to whoever owns these packets: he reads the end. */
  hangUp(): void {
    if (!this.#destroyed) this.#native.shutdown(this.descriptor, 2)
  }

  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#readiness.close()
    this.#native.close(this.descriptor)
    for (const there of this.#received.values()) {
      for (const descriptors of there.values()) for (const each of descriptors) this.#native.close(each)
    }
    this.#received.clear()
  }

  ref(): void {
    this.#readiness.ref()
  }

  unref(): void {
    this.#readiness.unref()
  }
}
