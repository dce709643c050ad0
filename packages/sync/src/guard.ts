import { native } from '@strait/posix'
import type { Attachment } from './attachment.js'
import { OWNER, TOLD } from './outcome.js'

/**
 * What somebody holds, until it is released. It alone releases: two tasks of one event loop are two owners. With `using`
 * or `await using` it is released at the end of the block.
 */
export interface ReadGuard extends Disposable, AsyncDisposable {
  /** Whether it has not been released. */
  readonly held: boolean
  /** Gives it back. Idempotent. */
  release(): void
}

/** What somebody holds alone. */
export interface Guard extends ReadGuard {
  /**
   * The owner before died while it held it: what it protects may be half changed. Of each death exactly one guard tells.
   * Mend the data and call `markConsistent`; when it is released without, the lock is poisoned, and fails with
   * `OWNER_DIED` until somebody takes it with `repair`.
   */
  readonly ownerDied: boolean
  /** The data is whole again, whatever the owner before left. - Errors: `TypeError` it is not held any more. */
  markConsistent(): void
}

/** Which lock a guard is of. */
export interface Held {
  readonly attachment: Attachment
  readonly index: number
  readonly at: number
  /** While it is held, the primitive is not collected. */
  readonly owner: object
}

/** Of a Mutex, or of the right to write. */
export class OwnerGuard implements Guard {
  readonly #of: Held
  #ownerDied: boolean
  #held = true

  constructor(of: Held, ownerDied: boolean) {
    this.#of = of
    this.#ownerDied = ownerDied
  }

  get ownerDied(): boolean {
    return this.#ownerDied
  }

  get held(): boolean {
    return this.#held && !this.#of.attachment.closed
  }

  /** Whether it is of this lock. */
  isOf(of: Held): boolean {
    return of.attachment === this.#of.attachment && of.index === this.#of.index
  }

  /** A condition has given the lock away, */
  suspend(): void {
    this.#held = false
  }

  /** and has it again. */
  resume(ownerDied: boolean): void {
    this.#held = true
    this.#ownerDied = ownerDied
  }

  markConsistent(): void {
    if (!this.held) throw new TypeError('the lock is not held any more')
    native().syncMarkConsistent(this.#of.attachment.handle, this.#of.index)
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    const { attachment, index, at } = this.#of
    if (attachment.closed) return
    const { words, slot } = attachment
    // Nobody waits, or who waits knows: no more is to be done. Pairs with the lock of whoever comes next.
    const seen = Atomics.compareExchange(words, at, slot, 0)
    if (seen === slot) return
    const told = TOLD | slot
    if (seen === told && Atomics.compareExchange(words, at, told, TOLD) === told) return
    native().syncRelease(attachment.handle, index, 0)
    attachment.gave()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}

/** A permit, or the right to read. */
export class ShareGuard implements ReadGuard {
  readonly #of: Held
  readonly #op: number
  #held = true

  constructor(of: Held, op: number) {
    this.#of = of
    this.#op = op
  }

  get held(): boolean {
    return this.#held && !this.#of.attachment.closed
  }

  release(): void {
    if (!this.end()) return
    const { attachment, index } = this.#of
    native().syncRelease(attachment.handle, index, this.#op)
    attachment.gave()
  }

  /** Whether there was something to end. */
  protected end(): boolean {
    const { held } = this
    this.#held = false
    return held
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}

/** Whether this thread owns it, by whichever of its tasks. */
export const ownedHere = ({ attachment, at }: Held): boolean =>
  (Atomics.load(attachment.words, at) & OWNER) === attachment.slot
