import {
  type BaseChannelOptions,
  BlockingChannel,
  type Link,
  StraitError,
  type WaitOptions,
} from '@strait/core'
import type { RingPackets } from './ring-packets.js'

/** What the waiting of one end has cost, and what has passed through it, since the channel was made. */
export interface ShmStats {
  /** Looks in place, one behind the other. */
  readonly spins: number
  /** Turns of the event loop that looked and found nothing. */
  readonly polls: number
  /** How often this end went to sleep. */
  readonly parks: number
  /** How often the other end has woken it. */
  readonly wakeUps: number
  /** Records: a message that is longer than half of a ring is several. */
  readonly sentRecords: number
  readonly receivedRecords: number
  readonly sentBytes: number
  readonly receivedBytes: number
}

/** Room in the memory for one message, which is written where the peer will read it. */
export interface Claim extends Disposable {
  /** What stands there before you write is undefined. Do not touch it after `commit` or `discard`. */
  readonly bytes: Uint8Array
  /** Sends the message, or its first `length` bytes; once. - Errors: `RangeError`. */
  commit(length?: number): void
  /** Sends nothing. So does disposing of it. Does nothing after `commit`. */
  discard(): void
}

/** A message that is read where the peer has written it. */
export interface Lease extends Disposable {
  /** Do not touch it after `release`. A hostile peer can change it while you read: copy before you check. */
  readonly bytes: Uint8Array
  /** Lets the peer have the room again. So does disposing of it. */
  release(): void
}

/** The channel of `shm:`, whose messages can also be written and read in place. */
export class ShmChannel extends BlockingChannel {
  readonly #packets: RingPackets
  #lending = false

  constructor(link: Link, packets: RingPackets, options: BaseChannelOptions) {
    super(link, options)
    this.#packets = packets
  }

  /** What waiting has cost so far, and what has passed; all zeros once the channel is closed. */
  stats(): ShmStats {
    const [
      spins = 0,
      polls = 0,
      parks = 0,
      wakeUps = 0,
      sentRecords = 0,
      receivedRecords = 0,
      sentBytes = 0,
      receivedBytes = 0,
    ] = this.#packets.stats()
    return { spins, polls, parks, wakeUps, sentRecords, receivedRecords, sentBytes, receivedBytes }
  }

  // Writing in place

  /** The largest message that can be written in place, in bytes: half of a ring, without 16. */
  get maxClaimSize(): number {
    return Math.min(this.#packets.maxPacketSize, this.capabilities.maxMessageSize)
  }

  /**
   * Room for a message of at most `size` bytes that is written in place: one copy less. Settle it soon, by `commit` or
   * `discard`: until then nothing else is sent, and `close` waits.
   *
   * - Order: that of `send`, among which it takes its turn.
   * - Abort: of a claim that waits.
   * - Errors: those of `send`; `TOO_LARGE` it is more than `maxClaimSize`; `NOT_SUPPORTED` this Node has no views of
   *   shared memory.
   */
  async claim(size: number, options?: WaitOptions): Promise<Claim> {
    const placeholder = this.#placeholder(size)
    try {
      await this.send(placeholder, options)
    } finally {
      this.#packets.forget(placeholder)
    }
    return this.#claimed(size)
  }

  /** As `claim`; undefined: there is no room now, or others wait for it. */
  tryClaim(size: number): Claim | undefined {
    const placeholder = this.#placeholder(size)
    try {
      return this.trySend(placeholder) ? this.#claimed(size) : undefined
    } finally {
      this.#packets.forget(placeholder)
    }
  }

  #placeholder(size: number): Uint8Array {
    if (!Number.isInteger(size) || size < 0)
      throw new RangeError(`size must be a whole number of bytes, got ${size}`)
    if (size > this.maxClaimSize) {
      const reason = `${size} bytes cannot be written in place, the limit is ${this.maxClaimSize}`
      throw new StraitError('TOO_LARGE', reason, { operation: 'claim', url: this.url })
    }
    if (this.sendFailure !== undefined) throw this.sendFailure
    const placeholder = new Uint8Array(0)
    this.#packets.want(placeholder, size)
    return placeholder
  }

  #claimed(size: number): Claim {
    const packets = this.#packets
    // None where the channel has ended meanwhile.
    const bytes = packets.claimed ?? new Uint8Array(0)
    const settle = (length: number | undefined) => {
      if (packets.claimed === bytes) packets.settle(length)
    }
    return {
      bytes,
      commit(length = size) {
        if (!Number.isInteger(length) || length < 0 || length > size)
          throw new RangeError(`length must be 0 to ${size}, got ${length}`)
        settle(length)
      },
      discard: () => settle(undefined),
      [Symbol.dispose]: () => settle(undefined),
    }
  }

  // Reading in place

  /**
   * The next message, read in place: one copy less. What came in parts, or had been received before, is a copy all the
   * same. Release it soon: until then nothing else is received.
   *
   * - Order, Abort, Errors: those of `receive`; also `NOT_SUPPORTED`, as for `claim`.
   * - Ownership: the bytes are yours until `release`, `close`, or the end of the channel.
   */
  async receiveLease(options?: WaitOptions): Promise<Lease | undefined> {
    this.#startLending()
    const message = await super.receive(options)
    return message && this.#lease(message)
  }

  /** As `receiveLease`; undefined: there is no message now, or the channel has ended. */
  tryReceiveLease(): Lease | undefined {
    this.#startLending()
    const message = super.receiveNow(false)
    return message && this.#lease(message)
  }

  /** Not while a receive waits: it would get bytes that are not its own. */
  #startLending(): void {
    if (this.#lending || this.receiversWaiting > 0 || this.inputOver) return
    this.#packets.startLending()
    this.#lending = true
  }

  #lease(message: Uint8Array): Lease {
    const bytes = this.#packets.loan.bytesOf(message)
    const release = () => this.#packets.giveBack(message)
    return { bytes, release, [Symbol.dispose]: release }
  }

  /** A message that its receiver may keep. */
  #own(message: Uint8Array | undefined): Uint8Array | undefined {
    if (message === undefined || !this.#packets.loan.isOf(message)) return message
    const copy = this.#packets.loan.bytesOf(message).slice()
    this.#packets.giveBack(message)
    return copy
  }

  override receive(options?: WaitOptions): Promise<Uint8Array | undefined> {
    const message = super.receive(options)
    return this.#lending ? message.then((each) => this.#own(each)) : message
  }

  protected override receiveNow(patiently: boolean): Uint8Array | undefined {
    const message = super.receiveNow(patiently)
    return this.#lending ? this.#own(message) : message
  }

  override close(options?: WaitOptions): Promise<void> {
    // What is lent would keep the peer's end from being read.
    this.#packets.stopLending()
    return super.close(options)
  }
}
