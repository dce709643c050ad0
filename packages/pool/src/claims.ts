import { constants } from 'node:fs'
import { native, SharedMemory, supported } from '@strait/posix'

/** Whether a call comes behind another one; their numbers begin again at 2 ** 32. */
export const isBehind = (call: number, other: number): boolean => ((call - other) | 0) > 0

/** A word each, on a cache line of its own: a worker writes there at each job. */
const LINE = 64

/** Where a worker finds its claims, in `/proc` of who started it. */
export interface ClaimsAddress {
  readonly path: string
  readonly index: number
}

/** The claims of all workers of a pool, in memory that they share with it. */
export class ClaimBoard {
  readonly #memory: SharedMemory
  readonly #free: number[]

  private constructor(memory: SharedMemory, size: number) {
    this.#memory = memory
    this.#free = Array.from({ length: size }, (_, index) => size - 1 - index)
  }

  /** For so many workers at a time; undefined where there is no addon. - Errors: `NO_RESOURCES`. */
  static create(size: number): ClaimBoard | undefined {
    if (!supported) return undefined
    return new ClaimBoard(SharedMemory.anonymous(size * LINE, { seals: ['shrink', 'grow'] }), size)
  }

  /** undefined: all are taken. */
  take(): { claims: Claims; address: ClaimsAddress } | undefined {
    const index = this.#free.pop()
    if (index === undefined) return undefined
    const claims = new Claims(this.#memory, index)
    claims.clear()
    return { claims, address: { path: `/proc/${process.pid}/fd/${this.#memory.descriptor}`, index } }
  }

  /** Its worker has ended. */
  release({ index }: ClaimsAddress): void {
    this.#free.push(index)
  }

  close(): void {
    this.#memory.close()
  }
}

/**
 * Which of the calls that were sent to a worker have begun: a number that the worker counts up before it begins the next
 * one, each by a compare-and-swap, and the pool sets to the last one it has sent, to take back all that have not begun. So each
 * call is begun by the worker or taken back, never both; and of a worker that has been killed it is known what it began.
 */
export class Claims {
  /** Mapped for as long as somebody has this. */
  readonly #memory: SharedMemory
  readonly #words: Int32Array
  readonly #word: number

  constructor(memory: SharedMemory, index: number) {
    this.#memory = memory
    this.#words = memory.view(Int32Array)
    this.#word = (index * LINE) / 4
  }

  /** Before its worker starts. */
  clear(): void {
    Atomics.store(this.#words, this.#word, 0)
  }

  close(): void {
    this.#memory.close()
  }

  /** In the worker. undefined: that memory cannot be reached, by a process of another user or in another namespace. */
  static open({ path, index }: ClaimsAddress): Claims | undefined {
    if (!supported) return undefined
    // Not by `fs`: what a thread has opened with that Node closes when the thread ends, whoever has the number by then.
    const descriptor = native('open').open(path, constants.O_RDWR, 0)
    if (descriptor < 0) return undefined
    try {
      return new Claims(SharedMemory.fromDescriptor(descriptor, { seals: ['shrink'] }), index)
    } catch {
      native('open').close(descriptor)
      return undefined
    }
  }

  /** In the worker, before it begins this call. false: it has been taken back. */
  claim(call: number): boolean {
    const before = (call - 1) | 0
    return Atomics.compareExchange(this.#words, this.#word, before, call | 0) === before
  }

  /** The last call that has begun. */
  get begun(): number {
    return Atomics.load(this.#words, this.#word) >>> 0
  }

  /**
   * Takes back what has not begun, up to this call, the last one that was sent and not answered. The last one that has
   * begun, or was taken back before: the word goes forwards only, or what was taken back could begin after all.
   */
  takeBack(last: number): number {
    for (;;) {
      const begun = Atomics.load(this.#words, this.#word)
      if (!isBehind(last, begun)) return begun >>> 0
      if (Atomics.compareExchange(this.#words, this.#word, begun, last | 0) === begun) return begun >>> 0
    }
  }
}
