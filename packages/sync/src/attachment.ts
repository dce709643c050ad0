import { availableParallelism } from 'node:os'
import { Aborts, abortedError, StraitError, type SyncWaitOptions, type WaitOptions } from '@strait/core'
import {
  type AttachmentHandle,
  check,
  inSlices,
  isAgain,
  kernelError,
  Mapping,
  type Meanings,
  native,
  Readiness,
  type SharedMemory,
} from '@strait/posix'
import { layout } from './layout.js'
import { EOWNERDEAD, ESTALE, WAITS } from './outcome.js'

const ATTACHING: Meanings = {
  EBADMSG: ['ADDRESS_INVALID', 'this memory holds something else than locks, or those of another version'],
  EXDEV: [
    'NOT_SUPPORTED',
    'it belongs to another PID namespace, whose threads the kernel calls otherwise here',
  ],
  ENOSPC: ['NO_RESOURCES', 'a region is for at most 255 threads with an event loop'],
  EAGAIN: ['NO_RESOURCES', 'there can be no more threads; `ulimit -u` shows how many'],
  ENOSYS: ['NOT_SUPPORTED', 'the kernel has no robust futexes'],
}

/** What the calls on an object fail with. */
const OBJECT: Meanings = {
  ENOBUFS: ['NO_RESOURCES', 'in one region 16,383 can wait at a time'],
  EPERM: ['PERMISSION', 'this thread does not hold it'],
  ECANCELED: ['ABORTED', 'aborted'],
}

/** What is known of an object. */
export interface ObjectState {
  readonly word: number
  readonly a: number
  readonly b: number
  readonly queued: number
  /** What is held of it in all, and by this thread. */
  readonly sum: number
  readonly held: number
  readonly broken: number
  readonly lastPid: number
}

interface Pending {
  readonly operation: string
  readonly what: string
  readonly signal: AbortSignal | undefined
  resolve(outcome: number): void
  reject(error: unknown): void
}

/** As many as the addon serves in one go. */
const PAIRS = 256

/** So often tasks of one thread may hand something to each other before its event loop has a turn. */
const TURNS = 256

/** In a slot; native/region.h. */
const RUNG = 32

/**
 * The place of this environment in a region: one, however often the region is opened here. It waits for all that its
 * tasks wait for, and is told in its event loop, by a descriptor that can be read when there is news.
 */
export class Attachment {
  readonly slot: number
  readonly handle: AttachmentHandle
  /** All of the region; words of locks are taken and released in it. */
  readonly words: Int32Array
  readonly memory: SharedMemory
  readonly #mapping: Mapping
  readonly #event: number
  readonly #readiness: Readiness
  readonly #pending = new Map<number, Pending>()
  readonly #aborts = new Aborts<number>((waiters, signal) => {
    for (const each of waiters) {
      // It has been served, or has to wait for its mutex first: the news is on the way.
      if (native().syncCancel(this.handle, each) !== 0) continue
      const pending = this.#take(each)
      pending?.reject(abortedError(pending.operation, pending.what, signal.reason))
    }
    this.gave()
  })
  readonly #pairs = new Int32Array(2 * PAIRS)
  /** Where the addon says that there is news. */
  readonly #rung: number
  #draining = false
  #given = 0
  #closed = false

  /** Owns the memory; when this throws it is the caller's. `path` goes with the region's last user. - Errors: `ESTALE` nobody may come any more. */
  constructor(memory: SharedMemory, name: string, path: string | undefined) {
    const { syncMap, syncAttach, syncSlot, eventfd, close, UV_READABLE } = native('open')
    this.memory = memory
    const region = syncMap(memory.descriptor)
    if (typeof region === 'number') throw kernelError(region, 'map', name)
    this.#mapping = new Mapping(region, memory.size, name)
    let event = -1
    try {
      this.words = new Int32Array(this.#mapping.buffer)
      event = check(eventfd(false), 'open', name)
      const scarce = availableParallelism() < 2
      const handle = syncAttach(region, memory.descriptor, path ?? '', event, scarce)
      if (typeof handle === 'number') throw kernelError(handle, 'open', name, ATTACHING)
      this.handle = handle
    } catch (error) {
      if (event >= 0) close(event)
      this.#mapping.unmap()
      throw error
    }
    this.#event = event
    this.slot = syncSlot(this.handle)
    const { slots, slot } = layout()
    this.#rung = (slots + this.slot * slot + RUNG) / 4
    this.#readiness = new Readiness(event, () => this.#drain())
    this.#readiness.watch(UV_READABLE)
  }

  get closed(): boolean {
    return this.#closed
  }

  ensureOpen(operation: string, what: string): void {
    if (this.#closed) throw new StraitError('CLOSED', 'its region is closed', { operation, url: what })
  }

  state(index: number): ObjectState {
    const numbers = new Int32Array(8)
    native().syncState(this.handle, index, numbers)
    const [word, a, b, queued, sum, held, broken, lastPid] = numbers as unknown as number[]
    return { word, a, b, queued, sum, held, broken, lastPid } as ObjectState
  }

  /** What an outcome means that is an error. */
  error(outcome: number, operation: string, index: number, what: string): StraitError {
    if (outcome !== EOWNERDEAD) return kernelError(outcome, operation, what, OBJECT)
    const { lastPid } = this.state(index)
    const who = lastPid === 0 ? 'one who took part has left or' : `an owner, of process ${lastPid},`
    return new StraitError('OWNER_DIED', `${who} died, and nobody has mended what it left`, {
      operation,
      url: what,
    })
  }

  /** What a wait comes to that has begun with this outcome. Abort: the waiter has left the queue. */
  async finish(outcome: number, operation: string, what: string, { signal }: WaitOptions): Promise<number> {
    this.gave()
    if (outcome < WAITS) return outcome
    const waiter = outcome - WAITS
    return new Promise<number>((resolve, reject) => {
      this.#pending.set(waiter, { operation, what, signal, resolve, reject })
      this.#readiness.ref()
      if (signal !== undefined) this.#aborts.add(signal, waiter)
    })
  }

  /** The same, blocking the thread. - Errors: `TIMEOUT`: the waiter has left the queue. */
  finishSync(outcome: number, operation: string, what: string, options: SyncWaitOptions): number {
    this.gave()
    if (outcome < WAITS) return outcome
    const waiter = outcome - WAITS
    const block = (ms: number) => {
      const result = native().syncBlock(this.handle, waiter, ms)
      return isAgain(result) ? undefined : result
    }
    try {
      return inSlices(operation, what, block, options)
    } catch (error) {
      const cancelled = native().syncCancel(this.handle, waiter)
      this.gave()
      if (cancelled === 0) throw error
      // As with an abort: it has been served, or goes on until it has its mutex.
      return inSlices(operation, what, block)
    }
  }

  /** It waits no more. */
  #take(waiter: number): Pending | undefined {
    const pending = this.#pending.get(waiter)
    this.#pending.delete(waiter)
    if (this.#pending.size === 0) this.#readiness.unref()
    if (pending?.signal !== undefined) this.#aborts.delete(pending.signal, waiter)
    return pending
  }

  /**
   * To be called after whatever may have served tasks of this very thread: the keeper is not told of them where nobody
   * else has the region. Now and then the event loop has its turn first.
   */
  gave(): void {
    if (this.#draining || this.#closed || Atomics.load(this.words, this.#rung) === 0) return
    this.#draining = true
    if (++this.#given % TURNS === 0) setImmediate(this.#drainSoon)
    else queueMicrotask(this.#drainSoon)
  }

  readonly #drainSoon = (): void => {
    this.#draining = false
    if (!this.#closed) this.#drain()
  }

  #drain(): void {
    const pairs = this.#pairs
    for (let count = PAIRS; count === PAIRS && !this.#closed; ) {
      count = native().syncDrain(this.handle, pairs)
      for (let i = 0; i < count; i++) this.#take(pairs[2 * i]!)?.resolve(pairs[2 * i + 1]!)
    }
  }

  /** Who waits here gets `CLOSED`; what is held here is as if its owner had died. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#readiness.close()
    native().syncDetach(this.handle)
    this.#mapping.unmap()
    native().close(this.#event)
    this.memory.close()
    for (const waiter of [...this.#pending.keys()]) {
      const pending = this.#take(waiter)!
      pending.reject(
        new StraitError('CLOSED', 'its region was closed meanwhile', {
          operation: pending.operation,
          url: pending.what,
        }),
      )
    }
  }
}

/** Whether the region had come to its end when somebody was about to take part. */
export const isRetired = (error: unknown): boolean =>
  StraitError.is(error) && (error.cause as { errno?: number } | undefined)?.errno === ESTALE
