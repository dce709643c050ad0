import type { SyncWaitOptions, WaitOptions } from '@strait/core'
import { check, isAgain, native } from '@strait/posix'
import { type ReadGuard, ShareGuard } from './guard.js'
import { ERANGE, SEMAPHORE } from './outcome.js'
import { type HomeOptions, homeOf, Primitive, type SharedPrimitive } from './primitive.js'

const MOST = 2 ** 31 - 1

/** What `acquire` has taken, until it is given back. */
export interface Permit extends ReadGuard {
  /** Takes it for good: it does not come back, whatever becomes of this process. Idempotent. */
  forget(): void
}

class SemaphorePermit extends ShareGuard implements Permit {
  readonly #forget: () => void

  constructor(of: ConstructorParameters<typeof ShareGuard>[0], forget: () => void) {
    super(of, 0)
    this.#forget = forget
  }

  forget(): void {
    if (this.end()) this.#forget()
  }
}

/** A whole number of permits. - Errors: `RangeError`. */
function checkPermits(count: number, least: number): number {
  if (Number.isInteger(count) && count >= least && count <= MOST) return count
  throw new RangeError(`permits are a whole number from ${least} to ${MOST}; it is ${count}`)
}

/**
 * Permits that are taken and given back.
 *
 * - Fairness: as a Mutex.
 * - Memory order: what was written before a permit was given back is seen after it is taken.
 * - Owner death: the permits of who dies come back.
 */
export class Semaphore extends Primitive {
  /**
   * With so many permits, where it does not exist yet, and never with more than `bound`; 0: with any number.
   *
   * - Errors: `RangeError`; those of `Mutex`.
   */
  constructor(permits: number, home: HomeOptions = {}, bound = 0) {
    const b = bound === 0 ? 0 : checkPermits(bound, permits)
    super({ type: SEMAPHORE, kind: 'semaphore', a: checkPermits(permits, 0), b }, home)
  }

  /** The one that another thread shares. - Errors: `ADDRESS_INVALID` it has gone. */
  static from(shared: SharedPrimitive): Semaphore {
    return new Semaphore(0, homeOf(shared))
  }

  /** How many there are now. Others may have taken them by the time you look. */
  get value(): number {
    this.attachment.ensureOpen('value', this.what)
    const { a, sum } = this.attachment.state(this.index)
    return Math.max(0, a - sum)
  }

  #permit(outcome: number): Permit {
    if (outcome < 0) this.fail(outcome, 'acquire')
    const { attachment, index, at } = this
    const forget = () => {
      native().syncForget(attachment.handle, index)
    }
    return new SemaphorePermit({ attachment, index, at, owner: this }, forget)
  }

  /**
   * Waits until there is a permit, and takes it.
   *
   * - Order: as called.
   * - Abort: nothing was taken, and nobody else has lost their turn.
   * - Errors: `ABORTED`; `CLOSED`; `NO_RESOURCES` too many wait.
   */
  async acquire({ signal }: WaitOptions = {}): Promise<Permit> {
    this.begin('acquire', { signal })
    const outcome = native().syncWait(this.attachment.handle, this.index, 0, false)
    return this.#permit(await this.attachment.finish(outcome, 'acquire', this.what, { signal }))
  }

  /** Takes a permit, if there is one; undefined: there is none. - Errors: `CLOSED`. */
  tryAcquire(): Permit | undefined {
    this.attachment.ensureOpen('acquire', this.what)
    const outcome = native().syncTry(this.attachment.handle, this.index, 0)
    return isAgain(outcome) ? undefined : this.#permit(outcome)
  }

  /** Waits, blocking the thread. - Errors: `TIMEOUT`: none was taken; `CLOSED`; `NO_RESOURCES` too many wait. */
  acquireSync({ timeout }: SyncWaitOptions = {}): Permit {
    this.beginSync('acquire', { timeout })
    const outcome = native().syncWait(this.attachment.handle, this.index, 0, true)
    return this.#permit(this.attachment.finishSync(outcome, 'acquire', this.what, { timeout }))
  }

  /**
   * Adds permits that nobody held: what a producer has made, a consumer takes and forgets.
   *
   * - Errors: `RangeError` they would be more than there may be. Then none was added.
   */
  release(count = 1): void {
    checkPermits(count, 1)
    this.attachment.ensureOpen('release', this.what)
    const outcome = native().syncAdd(this.attachment.handle, this.index, count)
    if (outcome === ERANGE) throw new RangeError(`${this.what} would have more permits than it may`)
    check(outcome, 'release', this.what)
    this.attachment.gave()
  }
}

/** A Semaphore of which nobody can give back more permits than it began with. */
export class BoundedSemaphore extends Semaphore {
  /** - Errors: `RangeError`; those of `Mutex`. */
  constructor(permits: number, home: HomeOptions = {}) {
    super(permits, home, checkPermits(permits, 1))
  }

  static override from(shared: SharedPrimitive): BoundedSemaphore {
    return new BoundedSemaphore(1, homeOf(shared))
  }
}
