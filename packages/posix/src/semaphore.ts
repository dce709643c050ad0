import { StraitError, type SyncWaitOptions, type WaitOptions } from '@strait/core'
import { type Blocking, BlockingTurns } from './blocking-turns.js'
import { inSlices } from './in-slices.js'
import type { Mapping } from './mapping.js'
import { check, isAgain, type Meanings, native } from './native.js'
import { checkLength } from './scratch.js'

const EINTR = -4

const POSTING: Meanings = { EOVERFLOW: ['NO_RESOURCES', 'a semaphore has at most 2,147,483,647 permits'] }

/** A number of permits. - Errors: `RangeError`. */
export const checkPermits = (name: string, count: number, least = 0): number =>
  checkLength(name, count, least)

/**
 * Permits that processes and threads take and give back; sem_overview(7). `acquire` takes one and waits where there is
 * none; `release` adds some. Who releases need not have acquired.
 *
 * - Owner death: nobody owns a permit. What a killed process has taken is lost; `SysvSemaphore` gives it back.
 * - Order: those who wait in one process are served as called; between processes the kernel decides.
 * - Memory order: what was written to shared memory before `release` is seen after the `acquire` that takes the permit.
 * - Trust: whoever has the memory can write anything into it. libc ends a process whose semaphore is not one any more;
 *   share it with those whom you trust with that.
 */
export abstract class PosixSemaphore implements Disposable {
  readonly #mapping: Mapping
  readonly #offset: number
  readonly #name: string
  readonly #turns: BlockingTurns<true>
  readonly #taking: Blocking<true>
  #closed = false

  /** Owns the mapping. The semaphore lies in it at an offset; `name` is for errors. */
  protected constructor(mapping: Mapping, offset: number, name: string) {
    this.#mapping = mapping
    this.#offset = offset
    this.#name = name
    this.#turns = new BlockingTurns('acquire', name)
    this.#taking = {
      attempt: () => this.#take(0),
      begin: (blocker) => native().semStartWaiting(blocker, mapping.region, offset),
      finish: () => true,
      undo: () => this.#add(1, 'acquire'),
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  /** How many permits there are now. Others may have taken them by the time you look. - Errors: `CLOSED`. */
  get value(): number {
    this.ensureOpen('value')
    return check(native().semValue(this.#mapping.region, this.#offset), 'value', this.#name)
  }

  /** Takes a permit; false: there is none now. Goes before those who wait. - Errors: `CLOSED`. */
  tryAcquire(): boolean {
    this.ensureOpen('acquire')
    return this.#take(0) === true
  }

  /**
   * Takes a permit, and waits until there is one, in a thread of this semaphore's own.
   *
   * - Order: as called.
   * - Abort: nothing was taken.
   * - Errors: `CLOSED`, also meanwhile; `ABORTED`; `NO_RESOURCES` there can be no more threads.
   */
  async acquire(options: WaitOptions = {}): Promise<void> {
    this.ensureOpen('acquire')
    await this.#turns.run(this.#taking, options)
  }

  /** The same, blocking the thread. Goes before those who wait. - Errors: `CLOSED`; `TIMEOUT`: nothing was taken. */
  acquireSync(options: SyncWaitOptions = {}): void {
    this.ensureOpen('acquire')
    inSlices('acquire', this.#name, (ms) => this.#take(ms), options)
  }

  /**
   * Adds so many permits, and wakes as many of those who wait.
   *
   * - Errors: `RangeError`; `CLOSED`; `NO_RESOURCES` they would be more than 2,147,483,647. Then none was added.
   */
  release(count = 1): void {
    checkPermits('count', count, 1)
    this.ensureOpen('release')
    this.#add(count, 'release')
  }

  #take(ms: number): true | undefined {
    const result = native().semWait(this.#mapping.region, this.#offset, ms)
    if (isAgain(result) || result === EINTR) return undefined
    check(result, 'acquire', this.#name)
    return true
  }

  #add(count: number, operation: string): void {
    check(native().semPost(this.#mapping.region, this.#offset, count), operation, this.#name, POSTING)
  }

  /** Throws `CLOSED` once it is closed. */
  protected ensureOpen(operation: string): void {
    if (this.#closed) throw new StraitError('CLOSED', 'it is closed', { operation, url: this.#name })
  }

  /** Lets go of it here; who waits here gets `CLOSED`. The semaphore stays, and so do its permits. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    // The thread that may be blocked in it first.
    this.#turns.close()
    this.#mapping.unmap()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
