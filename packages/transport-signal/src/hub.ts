import { StraitError } from '@strait/core'
import { kernelError, native, Readiness } from '@strait/posix'
import { CHANNELS, channelOf, WORD } from './word.js'

const system = native('load')

/** What is read by one call. */
const BATCH = 64

/** Then the event loop gets its turn. */
const BATCHES_PER_TURN = 4

/** So many signals may be under way to one channel, its sequence allows no more. */
const MOST_UNDER_WAY = 256

/** Beneath those that debuggers and others like to take from the end. */
const FIRST_CHOICE = system.SIGRTMAX - 4

const EBUSY = -16

/** Who reads what comes for one channel. */
export interface Receiver {
  /** The process whose signals count; those of any other are not for this channel. */
  readonly pid: number
  /** A word that has come; it lies at this offset. */
  take(words: Uint8Array, at: number): void
  /** Several words may have come; what they mean can be told now. */
  arrived(): void
}

/** Read and used up before anybody else can come. */
const words = new Uint8Array(BATCH * WORD)
const senders = new Int32Array(2 * BATCH)

let current: Hub | undefined

/** Goes on from channel to channel: what is late for one must not meet another that has got its number. */
let next = 0

/**
 * All signals of this thread: one number, one descriptor, however many channels. It always reads everything that is
 * pending, so that no channel that is left unread stops another one; how much that can be, the credits of each say.
 */
export class Hub {
  readonly signal: number
  readonly descriptor: number
  readonly #readiness: Readiness
  readonly #receivers = new Map<number, Receiver>()
  /** Those who have something new and were not told yet. */
  readonly #touched = new Set<Receiver>()
  #telling: NodeJS.Immediate | undefined

  private constructor(signal: number, descriptor: number) {
    this.signal = signal
    this.descriptor = descriptor
    try {
      this.#readiness = new Readiness(descriptor, () => this.#onReadable())
    } catch (error) {
      system.close(descriptor)
      system.signalClose(signal)
      throw error
    }
    this.#readiness.watch(system.UV_READABLE)
  }

  /**
   * The hub of this thread, and the number under which it knows the receiver until that leaves.
   *
   * - Errors: `NO_RESOURCES`.
   */
  static join(receiver: Receiver, url: URL): { hub: Hub; number: number } {
    current ??= Hub.#open(url)
    const hub = current
    if (hub.#receivers.size === CHANNELS) {
      const reason = `a thread has ${CHANNELS} channels of signals at most`
      throw new StraitError('NO_RESOURCES', reason, { operation: 'open', url })
    }
    do next = (next + 1) % CHANNELS
    while (hub.#receivers.has(next))
    hub.#receivers.set(next, receiver)
    return { hub, number: next }
  }

  /** Takes a number that nobody uses but other threads for the same; a library in C may have ours. */
  static #open(url: URL): Hub {
    let descriptor = EBUSY
    for (let signal = FIRST_CHOICE; signal >= system.SIGRTMIN && descriptor === EBUSY; signal--) {
      descriptor = system.signalOpen(signal, true)
      if (descriptor >= 0) return new Hub(signal, descriptor)
    }
    throw kernelError(descriptor, 'open', url.href, {
      EBUSY: ['NO_RESOURCES', 'this process uses every real-time signal for something else'],
    })
  }

  #onReadable(): void {
    this.#take(BATCHES_PER_TURN)
    this.#tell()
  }

  leave(number: number): void {
    this.#receivers.delete(number)
    if (this.#receivers.size > 0 || current !== this) return
    current = undefined
    this.#readiness.close()
    system.close(this.descriptor)
    system.signalClose(this.signal)
  }

  /** Reads whatever is under way to anybody here, and tells one. */
  readAll(told: Receiver): void {
    // Who sends without end cannot keep us: channels do not.
    this.readFor(told, ((this.#receivers.size + 1) * MOST_UNDER_WAY) / BATCH)
  }

  /**
   * Reads what is pending, up to so many batches, and tells one. The others are told in a turn of their own: the thread
   * may be blocked for this one, and they must not go on meanwhile.
   */
  readFor(told: Receiver, batches: number = BATCHES_PER_TURN): void {
    this.#take(batches)
    if (this.#touched.delete(told)) told.arrived()
    if (this.#touched.size > 0) this.#telling ??= setImmediate(() => this.#tell())
  }

  #take(batches: number): void {
    for (let count = BATCH; batches > 0 && count === BATCH; batches--) {
      count = system.signalReceive(this.descriptor, words, senders)
      for (let index = 0; index < count; index++) {
        const receiver = this.#receivers.get(channelOf(words, index * WORD))
        if (receiver === undefined || receiver.pid !== senders[2 * index]) continue
        receiver.take(words, index * WORD)
        this.#touched.add(receiver)
      }
    }
  }

  #tell(): void {
    this.#telling = undefined
    for (const receiver of this.#touched) {
      this.#touched.delete(receiver)
      receiver.arrived()
    }
  }
}
