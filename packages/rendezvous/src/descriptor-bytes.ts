import { type ByteLink, type LinkEvents, NO_EVENTS, type StraitError } from '@strait/core'
import { isAgain, kernelError, type Native, native, Readiness } from '@strait/posix'

/** What is read at a time, in bytes: what a pipe holds. */
const SLAB_SIZE = 64 * 1024

/** With less room than this left, the next read begins a new slab. */
const LEAST_ROOM = 4 * 1024

/**
 * Two descriptors that do not block, one for each direction, as a `ByteLink`; pipe(7), fifo(7). It owns them, and touches
 * neither once it is destroyed: the numbers may be somebody else's by then.
 *
 * Reading is by need: what is not read stays in the kernel. A read that comes back short has emptied the pipe, so the
 * next one waits for the event loop to say that there is more.
 */
export class DescriptorBytes implements ByteLink {
  events: LinkEvents = NO_EVENTS
  readonly #native: Native = native()
  readonly #reader: number
  readonly #writer: number
  readonly #url: URL

  readonly #readable: Readiness
  #slab = new Uint8Array(0)
  #offset = 0
  #drained = true
  #ended = false

  #writable: Readiness | undefined
  #rest: Uint8Array | undefined
  #more: Uint8Array | undefined
  #failure: StraitError | undefined
  #destroyed = false

  constructor(reader: number, writer: number, url: URL) {
    this.#reader = reader
    this.#writer = writer
    this.#url = url
    try {
      this.#readable = new Readiness(reader, () => this.#onReadable())
    } catch (error) {
      this.#native.close(reader)
      this.#native.close(writer)
      throw error
    }
    this.#readable.watch(this.#native.UV_READABLE)
    this.#readable.ref()
  }

  #onReadable(): void {
    if (this.#ended || this.#destroyed) return
    this.#drained = false
    this.events.readable()
    // Nobody wants it now; the next read will watch again.
    if (!this.#drained) this.#readable.watch(0)
  }

  read(): Uint8Array | undefined {
    if (this.#drained || this.#ended || this.#destroyed) return undefined
    if (this.#slab.length - this.#offset < LEAST_ROOM) {
      this.#slab = new Uint8Array(SLAB_SIZE)
      this.#offset = 0
    }
    const room = this.#slab.length - this.#offset
    const count = this.#native.read(this.#reader, this.#slab, this.#offset, room)
    if (count > 0) {
      const chunk = new Uint8Array(this.#slab.buffer, this.#offset, count)
      this.#offset += count
      if (count < room) this.#drain()
      return chunk
    }
    if (isAgain(count)) {
      this.#drain()
      return undefined
    }
    this.#ended = true
    this.#readable.watch(0)
    this.events.end(count === 0 ? undefined : kernelError(count, 'receive', this.#url.href))
    return undefined
  }

  #drain(): void {
    this.#drained = true
    this.#readable.watch(this.#native.UV_READABLE)
  }

  write(bytes: Uint8Array, more?: Uint8Array): boolean {
    if (this.#destroyed) return false
    const length = bytes.length + (more?.length ?? 0)
    const count = this.#native.write(this.#writer, bytes, 0, bytes.length, more)
    if (count === length) return true
    if (count < 0 && !isAgain(count)) {
      this.#fail(count)
      return false
    }
    this.#keep(Math.max(count, 0), bytes, more)
    this.#writable ??= new Readiness(this.#writer, () => this.#onWritable())
    this.#writable.watch(this.#native.UV_WRITABLE)
    return false
  }

  /** Remembers what is left after so many bytes. */
  #keep(count: number, bytes: Uint8Array, more: Uint8Array | undefined): void {
    if (count < bytes.length) {
      this.#rest = bytes.subarray(count)
      this.#more = more
    } else {
      this.#rest = more!.subarray(count - bytes.length)
      this.#more = undefined
    }
  }

  #onWritable(): void {
    if (this.#rest === undefined) return
    const length = this.#rest.length + (this.#more?.length ?? 0)
    const count = this.#native.write(this.#writer, this.#rest, 0, this.#rest.length, this.#more)
    if (count < 0 && !isAgain(count)) {
      this.#rest = undefined
      this.#writable?.watch(0)
      this.#fail(count)
    } else if (count === length) {
      this.#rest = undefined
      this.#more = undefined
      this.#writable?.watch(0)
      this.events.writable()
    } else {
      this.#keep(Math.max(count, 0), this.#rest, this.#more)
      this.#writable?.watch(this.#native.UV_WRITABLE)
    }
  }

  /** Never from inside `write`: in a turn of its own, or in `wait`, for a blocked thread has no turns. */
  #fail(result: number): void {
    this.#failure = kernelError(result, 'send', this.#url.href)
    process.nextTick(() => this.#tellFailure())
  }

  #tellFailure(): void {
    const error = this.#failure
    this.#failure = undefined
    if (error !== undefined) this.events.fail(error)
  }

  wait(reading: boolean, writing: boolean, ms: number): void {
    if (this.#destroyed) return
    if (this.#failure !== undefined) {
      this.#tellFailure()
      return
    }
    const { POLLIN, POLLOUT } = this.#native
    const reader = reading ? this.#reader : -1
    const writer = writing ? this.#writer : -1
    const ready = this.#native.pollNow(reader, POLLIN, writer, POLLOUT, ms)
    if (ready >>> 16 !== 0) this.#onWritable()
    if ((ready & 0xffff) !== 0) this.#onReadable()
  }

  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#rest = undefined
    this.#readable.close()
    this.#writable?.close()
    this.#native.close(this.#reader)
    this.#native.close(this.#writer)
  }

  ref(): void {
    this.#readable.ref()
  }

  unref(): void {
    this.#readable.unref()
  }
}
