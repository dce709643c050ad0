import { abortedError, StraitError, type SyncWaitOptions, type WaitOptions } from '@strait/core'
import { native } from '@strait/posix'
import { type Guard, OwnerGuard } from './guard.js'
import type { Mutex } from './mutex.js'
import { CONDITION, ECANCELED, ECANCELED_DIED } from './outcome.js'
import { Primitive, type SharedPrimitive } from './primitive.js'

/**
 * A wait, by somebody who holds a Mutex, for somebody else to change what it protects.
 *
 * - Order: giving the mutex back and beginning to wait are one step: no notice in between is lost.
 * - Fairness: `notify` wakes who has waited longest. Who is woken queues up for the mutex.
 * - Owner death: when an owner of the mutex dies, all who wait are woken, for the change that they wait for may have been
 *   made and not announced. The same when one dies who has been woken and has not got the mutex yet: its notice is not
 *   lost. So look again after each wait, or use `waitFor`.
 * - Memory order: as the mutex.
 */
export class Condition extends Primitive {
  readonly mutex: Mutex

  /** In the region of the mutex. - Errors: those of `Mutex`. */
  constructor(mutex: Mutex, { name }: { name?: string | undefined } = {}) {
    super(
      { type: CONDITION, kind: 'condition', a: mutex.lockOf.index },
      { region: mutex.region, name: name ?? `${mutex.name}.condition` },
    )
    this.mutex = mutex
  }

  /** The one that another thread shares, of a mutex that it shares too. - Errors: `ADDRESS_INVALID` it has gone. */
  static from(shared: SharedPrimitive, mutex: Mutex): Condition {
    return new Condition(mutex, { name: shared.name })
  }

  #guard(guard: Guard): OwnerGuard {
    if (guard instanceof OwnerGuard && guard.held && guard.isOf(this.mutex.lockOf)) return guard
    throw new TypeError(`${this.what}: only who holds the mutex can wait`)
  }

  /** It is held again; or it is poisoned, and then it is not. */
  #woken(guard: OwnerGuard, outcome: number): boolean {
    if (outcome < 0 && outcome !== ECANCELED && outcome !== ECANCELED_DIED) this.fail(outcome, 'wait')
    guard.resume(outcome === 1 || outcome === ECANCELED_DIED)
    return outcome >= 0
  }

  /**
   * Gives the mutex back, waits for a notice, and takes the mutex again.
   *
   * - Abort: also takes the mutex again, before it rejects; a notice that had come already counts, and it resolves.
   * - Errors: `ABORTED`, holding the mutex; `OWNER_DIED` the mutex is poisoned, and `CLOSED`: not holding it; `TypeError`
   *   the guard is not of the mutex, or was released; `NO_RESOURCES` too many wait: it is still held.
   */
  async wait(guard: Guard, { signal }: WaitOptions = {}): Promise<void> {
    this.begin('wait', { signal })
    const held = this.#guard(guard)
    const outcome = native().syncWaitForNotice(this.attachment.handle, this.index, 0)
    if (outcome < 0) this.fail(outcome, 'wait')
    held.suspend()
    const result = await this.attachment.finish(outcome, 'wait', this.what, { signal })
    if (!this.#woken(held, result)) throw abortedError('wait', this.what, signal?.reason)
  }

  /** Waits until it is so; looks before the first wait and after each, holding the mutex. - Errors: those of `wait`. */
  async waitFor(guard: Guard, predicate: () => boolean, options: WaitOptions = {}): Promise<void> {
    while (!predicate()) await this.wait(guard, options)
  }

  /** As `wait`, blocking the thread. - Errors: `TIMEOUT`, holding the mutex; else those of `wait`. */
  waitSync(guard: Guard, { timeout }: SyncWaitOptions = {}): void {
    this.beginSync('wait', { timeout })
    const held = this.#guard(guard)
    const outcome = native().syncWaitForNotice(this.attachment.handle, this.index, 1)
    if (outcome < 0) this.fail(outcome, 'wait')
    held.suspend()
    const result = this.attachment.finishSync(outcome, 'wait', this.what, { timeout })
    if (this.#woken(held, result)) return
    throw new StraitError('TIMEOUT', `no notice within ${timeout} ms`, { operation: 'wait', url: this.what })
  }

  /** Wakes so many of those who wait. Who has changed something holds the mutex. - Errors: `RangeError`; `CLOSED`. */
  notify(count = 1): void {
    if (!Number.isInteger(count) || count < 1) throw new RangeError(`count is a whole number, not ${count}`)
    this.attachment.ensureOpen('notify', this.what)
    native().syncNotify(this.attachment.handle, this.index, Math.min(count, 2 ** 20))
    this.attachment.gave()
  }

  /** Wakes all who wait. - Errors: `CLOSED`. */
  notifyAll(): void {
    this.attachment.ensureOpen('notify', this.what)
    native().syncNotifyAll(this.attachment.handle, this.index)
    this.attachment.gave()
  }
}
