import { StraitError, type SyncWaitOptions, type WaitOptions } from '@strait/core'
import { isAgain, native } from '@strait/posix'
import { type Guard, type Held, OwnerGuard, ownedHere } from './guard.js'
import { MUTEX, OWNER, REPAIR, TOLD } from './outcome.js'
import { type HomeOptions, homeOf, Primitive, type SharedPrimitive } from './primitive.js'

export interface RepairOptions {
  /** Takes the lock even when it is poisoned; its guard's `ownerDied` is then true. */
  repair?: boolean | undefined
}

/**
 * A lock that one holds at a time: a task of an event loop, a thread, a process.
 *
 * - Fairness: whoever comes when it is free may take it at once. Those who wait are served as they came. Who has waited
 *   for more than 1 ms and loses to one who came later does not lose again: until it is served, only who waits is.
 *   A process whose event loop is busy holds nobody up: what was offered to it and is not taken within 1 ms is offered to
 *   the next as well.
 * - Memory order: what was written before `release` is seen after the lock.
 * - Owner death: the next owner's guard says `ownerDied`, once; see there.
 * - Cost: without others, lock and release are one compare-and-swap each, and no system call.
 */
export class Mutex extends Primitive {
  readonly #held: Held

  /** Makes it, or finds it by its name. - Errors: `ADDRESS_IN_USE`; `ADDRESS_INVALID`; `NO_RESOURCES`; `NOT_SUPPORTED`. */
  constructor(home: HomeOptions = {}) {
    super({ type: MUTEX, kind: 'mutex' }, home)
    this.#held = { attachment: this.attachment, index: this.index, at: this.at, owner: this }
  }

  /** The one that another thread shares. - Errors: `ADDRESS_INVALID` it has gone. */
  static from(shared: SharedPrimitive): Mutex {
    return new Mutex(homeOf(shared))
  }

  /** Whether somebody holds it now. */
  get locked(): boolean {
    this.attachment.ensureOpen('locked', this.what)
    return (Atomics.load(this.attachment.words, this.at) & OWNER) !== 0
  }

  #take(): OwnerGuard | undefined {
    const { words, slot } = this.attachment
    // Pairs with the release of whoever had it.
    const seen = Atomics.compareExchange(words, this.at, 0, slot)
    const taken =
      seen === 0 || (seen === TOLD && Atomics.compareExchange(words, this.at, TOLD, TOLD | slot) === TOLD)
    return taken ? new OwnerGuard(this.#held, false) : undefined
  }

  #guard(outcome: number, operation: string): OwnerGuard {
    return outcome < 0 ? this.fail(outcome, operation) : new OwnerGuard(this.#held, outcome === 1)
  }

  /**
   * Waits until it is free, and takes it.
   *
   * - Order: as called.
   * - Abort: nothing was taken, and nobody else has lost their turn.
   * - Errors: `ABORTED`; `CLOSED`; `OWNER_DIED` it is poisoned; `NO_RESOURCES` too many wait.
   */
  async lock({ signal, repair = false }: WaitOptions & RepairOptions = {}): Promise<Guard> {
    this.begin('lock', { signal })
    const taken = this.#take()
    if (taken !== undefined) return taken
    const outcome = native().syncWait(this.attachment.handle, this.index, repair ? REPAIR : 0, false)
    return this.#guard(await this.attachment.finish(outcome, 'lock', this.what, { signal }), 'lock')
  }

  /** Takes it if it is free; undefined: it is not. - Errors: `CLOSED`; `OWNER_DIED` it is poisoned. */
  tryLock({ repair = false }: RepairOptions = {}): Guard | undefined {
    this.attachment.ensureOpen('lock', this.what)
    const taken = this.#take()
    if (taken !== undefined) return taken
    const outcome = native().syncTry(this.attachment.handle, this.index, repair ? REPAIR : 0)
    return isAgain(outcome) ? undefined : this.#guard(outcome, 'lock')
  }

  /**
   * Waits until it is free, blocking the thread, and takes it.
   *
   * - Errors: `TIMEOUT`: it was not taken; `DEADLOCK` a task of this very thread holds it, and could never release it;
   *   `CLOSED`; `OWNER_DIED` it is poisoned; `NO_RESOURCES` too many wait.
   */
  lockSync({ timeout, repair = false }: SyncWaitOptions & RepairOptions = {}): Guard {
    this.beginSync('lock', { timeout })
    const taken = this.#take()
    if (taken !== undefined) return taken
    if (ownedHere(this.#held)) {
      throw new StraitError('DEADLOCK', 'this thread holds it itself', { operation: 'lock', url: this.what })
    }
    const outcome = native().syncWait(this.attachment.handle, this.index, repair ? REPAIR : 0, true)
    return this.#guard(this.attachment.finishSync(outcome, 'lock', this.what, { timeout }), 'lock')
  }

  /** For a condition. */
  get lockOf(): Held {
    return this.#held
  }
}
