import type { SyncWaitOptions, WaitOptions } from '@strait/core'
import { native } from '@strait/posix'
import { EVENT } from './outcome.js'
import { type HomeOptions, homeOf, Primitive, type SharedPrimitive } from './primitive.js'

/**
 * A flag that one waits for: down until `set`, and up until `clear`.
 *
 * - Fairness: `set` releases all who wait at that moment, even when `clear` follows at once.
 * - Memory order: what was written before `set` is seen after `wait`.
 * - Owner death: nobody owns it.
 */
export class Event extends Primitive {
  /** Down, where it does not exist yet. - Errors: those of `Mutex`. */
  constructor(home: HomeOptions = {}) {
    super({ type: EVENT, kind: 'event' }, home)
  }

  /** The one that another thread shares. - Errors: `ADDRESS_INVALID` it has gone. */
  static from(shared: SharedPrimitive): Event {
    return new Event(homeOf(shared))
  }

  get isSet(): boolean {
    this.attachment.ensureOpen('isSet', this.what)
    return (Atomics.load(this.attachment.words, this.at) & 1) !== 0
  }

  /** Up it goes. Idempotent. - Errors: `CLOSED`. */
  set(): void {
    this.attachment.ensureOpen('set', this.what)
    native().syncSet(this.attachment.handle, this.index)
    this.attachment.gave()
  }

  /** Down it goes; who waits from now on waits for the next `set`. Idempotent. - Errors: `CLOSED`. */
  clear(): void {
    this.attachment.ensureOpen('clear', this.what)
    native().syncClear(this.attachment.handle, this.index)
  }

  /** Waits until it is up. - Errors: `ABORTED`; `CLOSED`; `NO_RESOURCES` too many wait. */
  async wait({ signal }: WaitOptions = {}): Promise<void> {
    this.begin('wait', { signal })
    const outcome = native().syncWait(this.attachment.handle, this.index, 0, false)
    const result = await this.attachment.finish(outcome, 'wait', this.what, { signal })
    if (result < 0) this.fail(result, 'wait')
  }

  /** The same, blocking the thread. - Errors: `TIMEOUT`; `CLOSED`; `NO_RESOURCES` too many wait. */
  waitSync({ timeout }: SyncWaitOptions = {}): void {
    this.beginSync('wait', { timeout })
    const outcome = native().syncWait(this.attachment.handle, this.index, 0, true)
    const result = this.attachment.finishSync(outcome, 'wait', this.what, { timeout })
    if (result < 0) this.fail(result, 'wait')
  }
}
