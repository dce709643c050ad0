import { readlinkSync } from 'node:fs'
import { StraitError, type SyncWaitOptions, throwIfAborted, type WaitOptions } from '@strait/core'
import { check, isAgain, kernelError, native } from './native.js'
import { Pollable } from './waiting.js'

const O_NONBLOCK = 0o4000

/** The counter holds no more. */
const MOST = 2n ** 64n - 2n

export interface EventFdOptions {
  /** Each `wait` takes one off the counter, instead of all of it. */
  semaphore?: boolean | undefined
}

/**
 * A counter that processes and threads wait for, and nothing else: the cheapest way to wake somebody; eventfd(2).
 * `signal` adds to it; `wait` waits until it is not zero, and takes it back to zero. Signals that nobody has waited
 * for add up, and are never lost.
 *
 * It has no name: pass `descriptor` to a child, or over a Unix socket. Whoever has it can also clear its O_NONBLOCK,
 * which is the same for all, and make the calls of the others block: share it with those you trust.
 *
 * - Order: those who wait in one process are served as called; between processes the kernel decides.
 * - Memory order: what was written to shared memory before `signal` is seen after the `wait` that takes it.
 */
export class EventFd implements Disposable {
  readonly #pollable: Pollable
  readonly #value = new BigUint64Array(1)
  readonly #bytes = new Uint8Array(this.#value.buffer)

  private constructor(descriptor: number) {
    this.#pollable = new Pollable(descriptor, `eventfd ${descriptor}`)
  }

  /** Makes a counter. - Errors: `RangeError`; `NO_RESOURCES`; `NOT_SUPPORTED`. */
  static create(initial = 0n, { semaphore = false }: EventFdOptions = {}): EventFd {
    checkCount(initial, 0n)
    const event = new EventFd(check(native('create').eventfd(semaphore), 'create', 'eventfd'))
    if (initial > 0n) event.#add(initial)
    return event
  }

  /**
   * Takes over a descriptor that was inherited or received. Whether it is a semaphore was decided when it was made.
   *
   * - Errors: `ADDRESS_INVALID` it is no eventfd. Then it stays the caller's.
   */
  static fromDescriptor(descriptor: number): EventFd {
    const name = `eventfd ${descriptor}`
    const { own, statusFlags, setStatusFlags } = native('open')
    if (linkOf(descriptor, name) !== 'anon_inode:[eventfd]')
      throw new StraitError('ADDRESS_INVALID', 'it is not an eventfd', { operation: 'open', url: name })
    const flags = check(statusFlags(descriptor), 'open', name)
    check(setStatusFlags(descriptor, flags | O_NONBLOCK), 'open', name)
    own(descriptor)
    return new EventFd(descriptor)
  }

  /** To pass on, to the `stdio` of a child or over a Unix socket; it stays this object's. It does not block. */
  get descriptor(): number {
    this.#pollable.ensureOpen('descriptor')
    return this.#pollable.descriptor
  }

  get closed(): boolean {
    return this.#pollable.closed
  }

  /** Adds to the counter; false: it does not fit now, and nothing was added. - Errors: `RangeError`; `CLOSED`. */
  trySignal(count = 1n): boolean {
    checkCount(count, 1n)
    this.#pollable.ensureOpen('signal')
    return this.#add(count)
  }

  /**
   * Adds to the counter, and waits while that is full.
   *
   * - Order: as called.
   * - Abort: nothing was added; of a count above 1, part may have been.
   * - Errors: `RangeError`; `CLOSED`, also meanwhile; `ABORTED`.
   */
  async signal(count = 1n, { signal }: WaitOptions = {}): Promise<void> {
    checkCount(count, 1n)
    throwIfAborted('signal', this.#pollable.name, signal)
    await this.#pollable.run('outgoing', 'signal', this.#adding(count), { signal })
  }

  /** The same, blocking the thread. - Errors: `RangeError`; `CLOSED`; `TIMEOUT`: as for `ABORTED`. */
  signalSync(count = 1n, options: SyncWaitOptions = {}): void {
    checkCount(count, 1n)
    this.#pollable.runSync('outgoing', 'signal', this.#adding(count), options)
  }

  /** Takes the counter, or of a semaphore one; undefined: it is zero. Goes before those who wait. - Errors: `CLOSED`. */
  tryWait(): bigint | undefined {
    this.#pollable.ensureOpen('wait')
    return this.#take()
  }

  /**
   * Waits until the counter is not zero, and takes it, or of a semaphore one. Returns what it took.
   *
   * - Order: as called.
   * - Abort: nothing was taken.
   * - Errors: `CLOSED`, also meanwhile; `ABORTED`.
   */
  async wait({ signal }: WaitOptions = {}): Promise<bigint> {
    throwIfAborted('wait', this.#pollable.name, signal)
    return this.#pollable.run('incoming', 'wait', () => this.#take(), { signal })
  }

  /** The same, blocking the thread. - Errors: `CLOSED`; `TIMEOUT`. */
  waitSync(options: SyncWaitOptions = {}): bigint {
    return this.#pollable.runSync('incoming', 'wait', () => this.#take(), options)
  }

  #take(): bigint | undefined {
    const { descriptor, name } = this.#pollable
    const result = native().read(descriptor, this.#bytes, 0, 8)
    if (isAgain(result)) return undefined
    check(result, 'wait', name)
    return this.#value[0]
  }

  #add(count: bigint): boolean {
    const { descriptor, name } = this.#pollable
    this.#value[0] = count
    const result = native().write(descriptor, this.#bytes, 0, 8)
    if (isAgain(result)) return false
    check(result, 'signal', name)
    return true
  }

  /**
   * Adds in pieces whatever fits. The kernel calls a counter writable as soon as 1 fits: who waited until all of a
   * larger count does would be woken again and again for nothing.
   */
  #adding(count: bigint): () => true | undefined {
    let rest = count
    return () => {
      let piece = rest
      while (rest > 0n) {
        if (this.#add(piece)) rest -= piece
        else if (piece === 1n) return undefined
        else piece /= 2n
        if (piece > rest) piece = rest
      }
      return true
    }
  }

  /** Closes it here; who waits here gets `CLOSED`. Idempotent. */
  close(): void {
    this.#pollable.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function checkCount(count: bigint, least: bigint): void {
  if (typeof count !== 'bigint') throw new TypeError(`a count is a bigint, not ${typeof count}`)
  if (count < least || count > MOST) throw new RangeError(`a count is from ${least} to ${MOST}, not ${count}`)
}

/** What a descriptor is, as /proc shows it. */
function linkOf(descriptor: number, name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch (error) {
    throw kernelError((error as { errno: number }).errno, 'open', name, {
      ENOENT: ['ADDRESS_INVALID', 'the descriptor is not open'],
    })
  }
}
