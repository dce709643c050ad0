import { type SyncWaitOptions, throwIfAborted, type WaitOptions } from '@strait/core'
import { check, isAgain, type Meanings, native } from './native.js'
import { Pollable } from './waiting.js'

const OPENING: Meanings = {
  EBUSY: ['ADDRESS_IN_USE', 'a thread of this process reads this signal already, or handles it in C'],
}

const SENDING: Meanings = {
  ESRCH: ['REFUSED', 'there is no such process, or no such thread of it'],
  EPERM: ['PERMISSION', "it is another user's process"],
}

/** What a signal carries. */
const MOST = 2n ** 64n - 1n

/** Where signals are directed: at a thread, or without `tid` at a process. */
export interface SignalAddress {
  readonly pid: number
  readonly tid?: number | undefined
}

/** What one signal has brought. */
export interface QueuedSignal {
  /** 0n of a signal that was sent without one, as kill(1) does. */
  readonly value: bigint
  /** Who sent it, as he says: any process of this user can write here what it likes. */
  readonly pid: number
  readonly uid: number
}

export interface SignalQueueOptions {
  /** A real-time signal, from SIGRTMIN, 34 with glibc, to SIGRTMAX, 64. Default: SIGRTMIN. */
  signal?: number | undefined
}

/**
 * Queued real-time signals, each with 64 bits; signal(7), signalfd(2), sigqueue(3). One signal of one process has one
 * queue, in whichever thread. Tell `address` and `signal` to those who send.
 *
 * - Order: as sent, of what is directed at the thread. The first that are directed at the process as a whole may be
 *   overtaken: they can come by way of another thread.
 * - Full: who sends is refused at RLIMIT_SIGPENDING, which counts all that is pending for the user; `ulimit -i`.
 *
 * A real-time signal ends a process that does not expect it. This one expects the number until it ends: what comes
 * after `close` is dropped.
 */
export class SignalQueue implements Disposable {
  readonly signal: number
  readonly address: { readonly pid: number; readonly tid: number }
  readonly #pollable: Pollable
  readonly #value = new BigUint64Array(1)
  readonly #bytes = new Uint8Array(this.#value.buffer)
  readonly #sender = new Int32Array(2)

  private constructor(signal: number, descriptor: number) {
    this.signal = signal
    this.address = { pid: process.pid, tid: native().threadId() }
    this.#pollable = new Pollable(descriptor, `signal ${signal}`)
  }

  /**
   * Takes a signal for this thread. What was pending before is dropped.
   *
   * - Errors: `RangeError`; `ADDRESS_IN_USE` this process has it already; `NO_RESOURCES`; `NOT_SUPPORTED`.
   */
  static open({ signal = native('open').SIGRTMIN }: SignalQueueOptions = {}): SignalQueue {
    checkSignal(signal)
    const descriptor = native().signalOpen(signal, false)
    return new SignalQueue(signal, check(descriptor, 'open', `signal ${signal}`, OPENING))
  }

  /**
   * Sends a signal with 64 bits; false: as many are pending as may be, and nothing was sent. Nobody tells when there is
   * room again.
   *
   * Send only to who has told you that he reads this signal, while you know that he lives: another process that has got
   * the number meanwhile would be killed.
   *
   * - Errors: `RangeError`; `REFUSED` nobody is there; `PERMISSION`.
   */
  static send({ pid, tid = 0 }: SignalAddress, signal: number, value = 0n): boolean {
    const system = native('send')
    checkSignal(signal)
    checkNumber('a pid', pid, 1)
    checkNumber('a tid', tid, 0)
    if (typeof value !== 'bigint') throw new TypeError(`a value is a bigint, not ${typeof value}`)
    if (value < 0n || value > MOST) throw new RangeError(`a value is from 0 to ${MOST}, not ${value}`)
    const word = new Uint8Array(BigUint64Array.of(value).buffer)
    const result = system.signalSend(pid, tid, signal, word, 0, word.length, -1)
    if (isAgain(result)) return false
    check(result, 'send', `signal ${signal} to process ${pid}`, SENDING)
    return true
  }

  get closed(): boolean {
    return this.#pollable.closed
  }

  /** The next signal; undefined: none now. Goes before those who wait. - Errors: `CLOSED`. */
  tryReceive(): QueuedSignal | undefined {
    this.#pollable.ensureOpen('receive')
    return this.#take()
  }

  /**
   * Waits for the next signal.
   *
   * - Order: as called.
   * - Abort: no signal was taken.
   * - Errors: `CLOSED`, also meanwhile; `ABORTED`.
   */
  async receive({ signal }: WaitOptions = {}): Promise<QueuedSignal> {
    throwIfAborted('receive', this.#pollable.name, signal)
    return this.#pollable.run('incoming', 'receive', () => this.#take(), { signal })
  }

  /** The same, blocking the thread. - Errors: `CLOSED`; `TIMEOUT`. */
  receiveSync(options: SyncWaitOptions = {}): QueuedSignal {
    return this.#pollable.runSync('incoming', 'receive', () => this.#take(), options)
  }

  #take(): QueuedSignal | undefined {
    const { descriptor, name } = this.#pollable
    const result = native().signalReceive(descriptor, this.#bytes, this.#sender)
    if (isAgain(result)) return undefined
    check(result, 'receive', name)
    const [pid, uid] = this.#sender
    return { value: this.#value[0]!, pid: pid!, uid: uid! >>> 0 }
  }

  /** Drops what is unread, and lets another queue have the signal; who waits here gets `CLOSED`. Idempotent. */
  close(): void {
    if (this.closed) return
    this.#pollable.close()
    native().signalClose(this.signal)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function checkSignal(signal: number): void {
  const { SIGRTMIN, SIGRTMAX } = native()
  if (!Number.isInteger(signal) || signal < SIGRTMIN || signal > SIGRTMAX)
    throw new RangeError(`a real-time signal is a number from ${SIGRTMIN} to ${SIGRTMAX}, not ${signal}`)
}

function checkNumber(what: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value >= 2 ** 31)
    throw new RangeError(`${what} is a positive integer, not ${value}`)
}
