import { StraitError, type SyncWaitOptions, type WaitOptions } from '@strait/core'
import { type Blocking, BlockingTurns } from './blocking-turns.js'
import { inSlices } from './in-slices.js'
import { check, isAgain, native } from './native.js'
import { checkLength } from './scratch.js'
import { checkKey } from './sysv-key.js'
import {
  checkCount,
  findSet,
  inspectSet,
  MEANINGS,
  makeSet,
  nameOf,
  removeSet,
  type SysvSemaphoreCreateOptions,
  type SysvSemaphoreOpenOptions,
  type SysvSemaphoreUndoOptions,
  unlinkSet,
} from './sysv-semaphore-set.js'

export type {
  SysvSemaphoreCreateOptions,
  SysvSemaphoreOpenOptions,
  SysvSemaphoreUndoOptions,
} from './sysv-semaphore-set.js'

export interface SysvPermitOptions extends SysvSemaphoreUndoOptions {
  /** How many permits, all at once or none. 1 unless told. */
  count?: number | undefined
}

const EINTR = -4

/**
 * A System V semaphore: permits that processes take and give back, found by a key; svipc(7), semop(2). Programs in C and
 * Python find the same one by that key; `keyOf` makes one from a file, as ftok(3).
 *
 * - Owner death: with `undo` the kernel gives back what a process has acquired and not released when it ends, also by
 *   SIGKILL. Nobody is told; what the permit guarded may be half written. It counts for the process: a worker's end
 *   gives nothing back. Use it for both, or for neither: of a release with `undo`, the permit goes with who released it.
 * - Ownership: opening never removes anything, nor does closing. It stays until somebody calls `unlink`, which ends it
 *   for everybody at once.
 * - Order: those who wait in one process are served as called; between processes the kernel decides.
 * - Memory order: what was written to shared memory before `release` is seen after the `acquire` that takes the permit.
 */
export class SysvSemaphore implements Disposable {
  /** The number of its set in this machine's namespace, by which `fromId` finds it. */
  readonly id: number
  /** undefined: it has none. */
  readonly key: number | undefined
  /** Which one of its set. */
  readonly index: number
  /** Whether this object has made the semaphore. */
  readonly created: boolean
  readonly #name: string
  readonly #undo: boolean
  readonly #turns: BlockingTurns<true>
  #closed = false

  private constructor(
    id: number,
    { key, name, created, index = 0, undo = false }: Made & Pick<SysvSemaphoreOpenOptions, 'index' | 'undo'>,
  ) {
    this.id = id
    this.key = key === 0 ? undefined : key
    this.index = index
    this.created = created
    this.#name = name
    this.#undo = undo
    this.#turns = new BlockingTurns('acquire', name, MEANINGS)
  }

  /**
   * Makes a semaphore with a key, a number of 32 bits, and so many permits, at most 32,767. Who finds it at once waits
   * until it has them.
   *
   * - Errors: `RangeError`; `ADDRESS_IN_USE`; `NO_RESOURCES` names the limit; `PERMISSION` a mode that forbids it to us;
   *   `NOT_SUPPORTED`. Then nothing was made.
   */
  static create(key: number, initial = 0, options: SysvSemaphoreCreateOptions = {}): SysvSemaphore {
    const id = makeSet(checkKey(key), nameOf(key), initial, options)
    return new SysvSemaphore(id, { key: checkKey(key), name: nameOf(key), created: true, undo: options.undo })
  }

  /**
   * Finds the semaphore with this key.
   *
   * - Errors: `RangeError` the key, or there is no such index; `REFUSED` there is none; `PERMISSION` its mode, or whose
   *   it is.
   */
  static open(key: number, options: SysvSemaphoreOpenOptions = {}): SysvSemaphore {
    const id = findSet(key)
    inspectSet(id, nameOf(key), options)
    return new SysvSemaphore(id, { key: checkKey(key), name: nameOf(key), created: false, ...options })
  }

  /**
   * Finds the semaphore, and makes it where there is none; of those who start at once, exactly one makes it, and its
   * `created` is true. Errors: as theirs.
   */
  static openOrCreate(
    key: number,
    initial = 0,
    options: SysvSemaphoreCreateOptions & SysvSemaphoreOpenOptions = {},
  ): SysvSemaphore {
    for (;;) {
      try {
        return SysvSemaphore.open(key, options)
      } catch (error) {
        if (!StraitError.is(error, 'REFUSED')) throw error
      }
      try {
        return SysvSemaphore.create(key, initial, options)
      } catch (error) {
        if (!StraitError.is(error, 'ADDRESS_IN_USE')) throw error
      }
    }
  }

  /** Makes a semaphore without a key, for whoever is told its `id`. - Errors: as of `create`. */
  static private(initial = 0, options: SysvSemaphoreCreateOptions = {}): SysvSemaphore {
    const id = makeSet(0, 'System V semaphore', initial, options)
    return new SysvSemaphore(id, {
      key: 0,
      name: `System V semaphore ${id}`,
      created: true,
      undo: options.undo,
    })
  }

  /** The semaphore of the set with this number. - Errors: as of `open`. */
  static fromId(id: number, options: SysvSemaphoreOpenOptions = {}): SysvSemaphore {
    const name = `System V semaphore ${checkLength('id', id, 0)}`
    return new SysvSemaphore(id, { key: inspectSet(id, name, options), name, created: false, ...options })
  }

  /** Removes the set with this key, whoever uses it. Whether there was one. - Errors: `RangeError`; `PERMISSION`. */
  static unlink(key: number): boolean {
    return unlinkSet(key)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** How many permits there are now. Others may have taken them by the time you look. - Errors: `CLOSED`. */
  get value(): number {
    this.#ensureOpen('value')
    return check(native().semsetValue(this.id, this.index), 'value', this.#name, MEANINGS)
  }

  /** How many processes and threads wait for permits, of which this object is one at most. - Errors: `CLOSED`. */
  get waiting(): number {
    this.#ensureOpen('waiting')
    return check(native().semsetWaiting(this.id, this.index), 'waiting', this.#name, MEANINGS)
  }

  /** Takes permits; false: there are not as many now. Goes before those who wait. - Errors: as of `acquire`. */
  tryAcquire({ count = 1, undo = this.#undo }: SysvPermitOptions = {}): boolean {
    checkCount('count', count)
    this.#ensureOpen('acquire')
    return this.#operate(-count, undo, 'acquire') === true
  }

  /**
   * Takes permits, and waits until there are as many, in a thread of this semaphore's own.
   *
   * - Order: as called; who waits for many holds up those behind him.
   * - Abort: nothing was taken.
   * - Errors: `RangeError`; `CLOSED`, also meanwhile, and where the semaphore was removed; `ABORTED`; `PERMISSION`;
   *   `NO_RESOURCES` there can be no more threads.
   */
  async acquire({
    count = 1,
    undo = this.#undo,
    signal,
  }: SysvPermitOptions & WaitOptions = {}): Promise<void> {
    checkCount('count', count)
    this.#ensureOpen('acquire')
    const taking: Blocking<true> = {
      attempt: () => this.#operate(-count, undo, 'acquire'),
      begin: (blocker) => native().semsetStartOperation(blocker, this.id, this.index, -count, undo),
      finish: () => true,
      undo: () => void native().semsetOperate(this.id, this.index, count, undo, 0),
    }
    await this.#turns.run(taking, { signal })
  }

  /** The same, blocking the thread. Goes before those who wait. - Errors: as of `acquire`; `TIMEOUT`: nothing was taken. */
  acquireSync({ count = 1, undo = this.#undo, ...options }: SysvPermitOptions & SyncWaitOptions = {}): void {
    checkCount('count', count)
    this.#ensureOpen('acquire')
    inSlices('acquire', this.#name, (ms) => this.#operate(-count, undo, 'acquire', ms), options)
  }

  /**
   * Adds permits, and wakes those who wait.
   *
   * - Errors: `RangeError`; `CLOSED`, also where the semaphore was removed; `PERMISSION`; `NO_RESOURCES` they would be
   *   more than 32,767. Then none was added.
   */
  release({ count = 1, undo = this.#undo }: SysvPermitOptions = {}): void {
    checkCount('count', count)
    this.#ensureOpen('release')
    this.#operate(count, undo, 'release')
  }

  #operate(change: number, undo: boolean, operation: string, ms = 0): true | undefined {
    const result = native().semsetOperate(this.id, this.index, change, undo, ms)
    if (isAgain(result) || result === EINTR) return undefined
    check(result, operation, this.#name, MEANINGS)
    return true
  }

  /**
   * Removes the semaphore, with its set: it is gone for all who use it, and who waits gets an error. Whether it was still
   * there. - Errors: `CLOSED`; `PERMISSION`.
   */
  unlink(): boolean {
    this.#ensureOpen('unlink')
    return removeSet(this.id, this.#name)
  }

  #ensureOpen(operation: string): void {
    if (this.#closed) throw new StraitError('CLOSED', 'it is closed', { operation, url: this.#name })
  }

  /** Lets go of it here; who waits here gets `CLOSED`. The semaphore stays, and so do its permits. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#turns.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

interface Made {
  /** 0: it has none. */
  readonly key: number
  readonly name: string
  readonly created: boolean
}
