import { StraitError, type SyncWaitOptions, type WaitOptions } from '@strait/core'
import { isAgain, native } from '@strait/posix'
import { type Guard, type Held, OwnerGuard, ownedHere, type ReadGuard, ShareGuard } from './guard.js'
import type { RepairOptions } from './mutex.js'
import { OWNER, READ, REPAIR, RW_LOCK } from './outcome.js'
import { type HomeOptions, homeOf, Primitive, type SharedPrimitive } from './primitive.js'

/**
 * A lock that many hold to read, or one to write.
 *
 * - Fairness: first come, first served; readers in a row come in together. Nobody overtakes who waits, unless that one's
 *   event loop is busy: what was offered to it and is not taken within 1 ms is offered to the next as well.
 * - Memory order: what was written before a release is seen after the lock.
 * - Owner death: a reader that dies is one less. When a writer dies, reads fail with `OWNER_DIED` until a writer has said
 *   that the data is whole; the next writer's guard says `ownerDied`, as that of a Mutex.
 */
export class RWLock extends Primitive {
  readonly #held: Held

  /** - Errors: those of `Mutex`. */
  constructor(home: HomeOptions = {}) {
    super({ type: RW_LOCK, kind: 'rwlock' }, home)
    this.#held = { attachment: this.attachment, index: this.index, at: this.at, owner: this }
  }

  /** The one that another thread shares. - Errors: `ADDRESS_INVALID` it has gone. */
  static from(shared: SharedPrimitive): RWLock {
    return new RWLock(homeOf(shared))
  }

  /** Those who read now. */
  get readers(): number {
    this.attachment.ensureOpen('readers', this.what)
    return this.attachment.state(this.index).sum
  }

  /** Whether somebody writes now. */
  get writing(): boolean {
    this.attachment.ensureOpen('writing', this.what)
    return (this.attachment.state(this.index).word & OWNER) !== 0
  }

  #reader(outcome: number): ReadGuard {
    return outcome < 0 ? this.fail(outcome, 'read') : new ShareGuard(this.#held, READ)
  }

  #writer(outcome: number): Guard {
    return outcome < 0 ? this.fail(outcome, 'write') : new OwnerGuard(this.#held, outcome === 1)
  }

  /**
   * Waits until it may be read.
   *
   * - Abort: nothing was taken, and nobody else has lost their turn.
   * - Errors: `ABORTED`; `CLOSED`; `OWNER_DIED` a writer died; `NO_RESOURCES` too many wait.
   */
  async read({ signal }: WaitOptions = {}): Promise<ReadGuard> {
    this.begin('read', { signal })
    const outcome = native().syncWait(this.attachment.handle, this.index, READ, false)
    return this.#reader(await this.attachment.finish(outcome, 'read', this.what, { signal }))
  }

  /** undefined: not now, for somebody writes or waits. - Errors: `CLOSED`; `OWNER_DIED` a writer died. */
  tryRead(): ReadGuard | undefined {
    this.attachment.ensureOpen('read', this.what)
    const outcome = native().syncTry(this.attachment.handle, this.index, READ)
    return isAgain(outcome) ? undefined : this.#reader(outcome)
  }

  /** The same as `read`, blocking the thread. - Errors: `TIMEOUT`; `DEADLOCK` this thread holds it itself; as `read`. */
  readSync({ timeout }: SyncWaitOptions = {}): ReadGuard {
    this.beginSync('read', { timeout })
    const taken = this.tryRead()
    if (taken !== undefined) return taken
    this.#ensureNotHeld('read')
    const outcome = native().syncWait(this.attachment.handle, this.index, READ, true)
    return this.#reader(this.attachment.finishSync(outcome, 'read', this.what, { timeout }))
  }

  /** Waits until it may be written. Abort and errors as of a Mutex's `lock`. */
  async write({ signal, repair = false }: WaitOptions & RepairOptions = {}): Promise<Guard> {
    this.begin('write', { signal })
    const outcome = native().syncWait(this.attachment.handle, this.index, repair ? REPAIR : 0, false)
    return this.#writer(await this.attachment.finish(outcome, 'write', this.what, { signal }))
  }

  /** undefined: not now, for somebody holds it or waits. - Errors: `CLOSED`; `OWNER_DIED` it is poisoned. */
  tryWrite({ repair = false }: RepairOptions = {}): Guard | undefined {
    this.attachment.ensureOpen('write', this.what)
    const outcome = native().syncTry(this.attachment.handle, this.index, repair ? REPAIR : 0)
    return isAgain(outcome) ? undefined : this.#writer(outcome)
  }

  /** The same as `write`, blocking the thread. - Errors: `TIMEOUT`; `DEADLOCK` this thread holds it itself; as `write`. */
  writeSync({ timeout, repair = false }: SyncWaitOptions & RepairOptions = {}): Guard {
    this.beginSync('write', { timeout })
    const taken = this.tryWrite({ repair })
    if (taken !== undefined) return taken
    this.#ensureNotHeld('write')
    const outcome = native().syncWait(this.attachment.handle, this.index, repair ? REPAIR : 0, true)
    return this.#writer(this.attachment.finishSync(outcome, 'write', this.what, { timeout }))
  }

  /** A task of this thread could not release it while the thread is blocked. */
  #ensureNotHeld(operation: string): void {
    if (!ownedHere(this.#held) && this.attachment.state(this.index).held === 0) return
    throw new StraitError('DEADLOCK', 'this thread holds it itself', { operation, url: this.what })
  }
}
