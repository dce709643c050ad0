import { StraitError } from './error.js'
import type { Role, Wire } from './handshake.js'
import type { ByteLink } from './link.js'

const NO_BYTES = new Uint8Array(0)

/** The handshake's reading and writing on a byte stream. */
export class StreamWire implements Wire {
  readonly #bytes: ByteLink
  readonly #role: Role
  readonly #url: URL
  readonly #out: Uint8Array[] = []
  #busy = false
  #onFlushed: (() => void) | undefined
  #want: { length: number; resolve(bytes: Uint8Array): void; reject(error: unknown): void } | undefined
  /** What has arrived and was not asked for yet; the frames begin here. */
  rest: Uint8Array = NO_BYTES
  ended: { error: StraitError | undefined } | undefined

  constructor(bytes: ByteLink, role: Role, url: URL) {
    this.#bytes = bytes
    this.#role = role
    this.#url = url
    bytes.events = {
      readable: () => this.#pump(),
      writable: () => {
        this.#busy = false
        this.#flush()
      },
      end: (error) => {
        this.ended = { error }
        // A mere half-close still lets us finish; our write fails by itself where it does not.
        if (error !== undefined) this.#giveUp()
        this.#pump()
      },
      // The end follows and says more.
      fail: () => this.#giveUp(),
    }
  }

  write(bytes: Uint8Array): void {
    this.#out.push(bytes)
    this.#flush()
  }

  read(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#want = { length, resolve, reject }
      this.#pump()
    })
  }

  #flush(): void {
    while (!this.#busy && this.#out.length > 0) this.#busy = !this.#bytes.write(this.#out.shift()!)
    this.#settleFlushed()
  }

  flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFlushed = resolve
      this.#settleFlushed()
    })
  }

  /** Nothing leaves any more. */
  #giveUp(): void {
    this.#out.length = 0
    this.#busy = false
    this.#settleFlushed()
  }

  #settleFlushed(): void {
    if (!this.#busy && this.#out.length === 0) this.#onFlushed?.()
  }

  #pump(): void {
    const want = this.#want
    if (want === undefined) return
    while (this.rest.length < want.length) {
      const chunk = this.#bytes.read()
      if (chunk === undefined) {
        if (this.ended !== undefined) {
          this.#want = undefined
          want.reject(this.#hangUp(this.ended.error))
        }
        return
      }
      const joined = new Uint8Array(this.rest.length + chunk.length)
      joined.set(this.rest)
      joined.set(chunk, this.rest.length)
      this.rest = joined
    }
    const taken = this.rest.slice(0, want.length)
    this.rest = this.rest.subarray(want.length)
    this.#want = undefined
    want.resolve(taken)
  }

  #hangUp(cause: StraitError | undefined): StraitError {
    // Otherwise it did not hang up: the mechanism gave up, and knows why.
    if (cause !== undefined && !StraitError.is(cause, 'RESET')) return cause
    const context = { operation: this.#role, url: this.#url, cause }
    return this.rest.length > 0
      ? new StraitError('TRUNCATED', 'the other end hung up in the middle of its greeting', context)
      : new StraitError('RESET', 'the other end hung up', context)
  }
}
