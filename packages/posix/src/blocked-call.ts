import { type BlockerHandle, check, isAgain, kernelError, native } from './native.js'
import { Readiness } from './readiness.js'

/**
 * A call that blocks in a thread of its own, for what no descriptor tells of; one at a time. The thread is there from
 * the first call on. While a call blocks it costs nothing, and does not keep the process alive until `ref`.
 */
export class BlockedCall {
  readonly #name: string
  readonly #event: number
  readonly #blocker: BlockerHandle
  readonly #readiness: Readiness
  readonly #onDone: (result: number) => void
  #blocked = false
  #closed = false

  /** `onDone` gets what each call came back with: `>= 0`, or an error number negated. `name` is for errors. */
  constructor(name: string, onDone: (result: number) => void) {
    const system = native('wait')
    this.#name = name
    this.#onDone = onDone
    this.#event = check(system.eventfd(false), 'wait', name)
    try {
      const blocker = system.blockerOpen(this.#event)
      if (typeof blocker === 'number') throw kernelError(blocker, 'wait', name)
      this.#blocker = blocker
      this.#readiness = new Readiness(this.#event, () => this.#take())
    } catch (error) {
      system.close(this.#event)
      throw error
    }
  }

  /** Whether a call blocks, or has come back and not been told of. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** What can be polled, to learn that a call has come back: for a thread that waits without its event loop. */
  get descriptor(): number {
    return this.#event
  }

  /**
   * Lets a call block; `begin` is one of the addon's functions that start one.
   *
   * - Errors: `NO_RESOURCES` there can be no more threads.
   */
  start(begin: (blocker: BlockerHandle) => number): void {
    check(begin(this.#blocker), 'wait', this.#name, {
      EAGAIN: ['NO_RESOURCES', 'there can be no more threads; `ulimit -u` shows how many'],
    })
    this.#blocked = true
    this.#readiness.watch(native().UV_READABLE)
  }

  /** Tells of a call that has come back; for a thread that waits without its event loop. */
  look(): void {
    if (this.#blocked) this.#take()
  }

  #take(): void {
    if (this.#closed || !this.#blocked) return
    const result = native().blockerTake(this.#blocker)
    if (isAgain(result)) return
    this.#rest()
    this.#onDone(result)
  }

  #rest(): void {
    this.#blocked = false
    this.#readiness.watch(0)
  }

  /** Makes the call come back. undefined: nothing has happened; otherwise what it came back with all the same. */
  cancel(): number | undefined {
    if (!this.#blocked) return undefined
    const result = native().blockerCancel(this.#blocker)
    this.#rest()
    return result === ECANCELED ? undefined : result
  }

  ref(): void {
    this.#readiness.ref()
  }

  unref(): void {
    this.#readiness.unref()
  }

  /** Ends the thread; what blocks is interrupted and not told of. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#readiness.close()
    native().blockerClose(this.#blocker)
    native().close(this.#event)
  }
}

const ECANCELED = -125
