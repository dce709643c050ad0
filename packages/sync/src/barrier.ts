import type { SyncWaitOptions, WaitOptions } from '@strait/core'
import { check, native } from '@strait/posix'
import { BARRIER, ECANCELED } from './outcome.js'
import { type HomeOptions, homeOf, Primitive, type SharedPrimitive } from './primitive.js'

/**
 * A line that nobody passes before all are there: `parties` of them, again and again.
 *
 * - Fairness: all are released at once.
 * - Memory order: what any of them wrote before `wait` is seen by all after it.
 * - Owner death: when a thread or process that has been at the barrier ends, in whatever way, or closes the region, it is
 *   broken, and fails with `OWNER_DIED` until `reset`: the others would wait for ever. Who dies before it has ever come is
 *   not known.
 */
export class Barrier extends Primitive {
  /** - Errors: `RangeError`; `ADDRESS_IN_USE` there is one for another number; those of `Mutex`. */
  constructor(parties: number, home: HomeOptions = {}) {
    if (!Number.isInteger(parties) || parties < 1 || parties > 16_383) {
      throw new RangeError(`parties are a whole number from 1 to 16383; it is ${parties}`)
    }
    super({ type: BARRIER, kind: 'barrier', a: parties }, home)
  }

  /** The one that another thread shares. - Errors: `ADDRESS_INVALID` it has gone. */
  static from(shared: SharedPrimitive & { readonly parties: number }): Barrier {
    return new Barrier(shared.parties, homeOf(shared))
  }

  override share(): SharedPrimitive & { readonly parties: number } {
    return { ...super.share(), parties: this.parties }
  }

  get parties(): number {
    this.attachment.ensureOpen('parties', this.what)
    return this.attachment.state(this.index).a
  }

  /** How many wait now. */
  get waiting(): number {
    this.attachment.ensureOpen('waiting', this.what)
    return this.attachment.state(this.index).queued
  }

  get broken(): boolean {
    this.attachment.ensureOpen('broken', this.what)
    return this.attachment.state(this.index).broken !== 0
  }

  #index(outcome: number): number {
    return outcome < 0 ? this.fail(outcome, 'wait') : outcome
  }

  /**
   * Waits until all are there. Resolves to how many were there before: each of 0 to `parties` - 1 once.
   *
   * - Abort: takes the arrival back; the others go on waiting.
   * - Errors: `ABORTED`, also by `abort` or `reset`; `OWNER_DIED`; `CLOSED`; `NO_RESOURCES` too many wait.
   */
  async wait({ signal }: WaitOptions = {}): Promise<number> {
    this.begin('wait', { signal })
    const outcome = native().syncWait(this.attachment.handle, this.index, 0, false)
    return this.#index(await this.attachment.finish(outcome, 'wait', this.what, { signal }))
  }

  /** The same, blocking the thread. - Errors: `TIMEOUT`: the arrival was taken back; those of `wait`. */
  waitSync({ timeout }: SyncWaitOptions = {}): number {
    this.beginSync('wait', { timeout })
    const outcome = native().syncWait(this.attachment.handle, this.index, 0, true)
    return this.#index(this.attachment.finishSync(outcome, 'wait', this.what, { timeout }))
  }

  /** Who waits and who comes gets `ABORTED`, until `reset`. - Errors: `CLOSED`. */
  abort(): void {
    this.attachment.ensureOpen('abort', this.what)
    check(native().syncBreak(this.attachment.handle, this.index, -ECANCELED), 'abort', this.what)
    this.attachment.gave()
  }

  /** As new: who waits gets `ABORTED`, and who has been there before is forgotten. - Errors: `CLOSED`. */
  reset(): void {
    this.attachment.ensureOpen('reset', this.what)
    check(native().syncReset(this.attachment.handle, this.index), 'reset', this.what)
    this.attachment.gave()
  }
}
