import {
  Aborts,
  abortedError,
  checkTimeout,
  StraitError,
  throwIfAborted,
  Waiters,
  type WaitOptions,
} from '@strait/core'
import { encodeArguments } from '@strait/rpc/caller'
import { Crew } from './crew.js'
import { Job } from './job.js'
import { JobBag } from './job-bag.js'
import { lookAhead } from './look-ahead.js'
import { settingsOf, whole } from './options.js'
import type { PoolStatistics } from './statistics.js'
import type {
  AnyFunction,
  ArgumentsOf,
  ItemOf,
  JobOptions,
  MapOptions,
  NameOf,
  PoolOptions,
  ResultOf,
} from './types.js'
import { values } from './values.js'

/** What setTimeout takes at most, in ms. */
const LONGEST = 2 ** 31 - 1
/** Jobs of a map for each worker. */
const AHEAD = 64

const NO_OPTIONS: JobOptions = {}

const encoder = new TextEncoder()

/**
 * Processes or threads that run functions of a module: `new Pool<typeof import('./jobs.js')>({ entry })`.
 *
 * - A worker that dies fails the job that it was doing with `RESET` and what is known of its end, or, where `attempts`
 *   allows, that job runs again elsewhere. Every other job is untouched, and another worker takes its place.
 * - Arguments and results are what structured clone can carry. `Uint8Array`s that are arguments or results themselves are
 *   not copied into anything before they leave; they must not change until the job is done.
 * - A pool keeps its process alive while there are jobs. A process that ends takes its workers along.
 */
export class Pool<Functions extends object = Record<string, AnyFunction>> implements AsyncDisposable {
  readonly #url: string
  readonly #crew: Crew
  readonly #maxWaiting: number
  readonly #ahead: number
  readonly #names = new Map<string, Uint8Array>()
  readonly #aborts = new Aborts<Job>((jobs, signal) => {
    const error = abortedError('run', this.#url, signal.reason)
    for (const job of jobs) this.#giveUp(job, error)
  })
  readonly #roomWaiters: Waiters<void>
  readonly #readyWaiters: Waiters<void>
  readonly #open = new JobBag()
  /** Is there only to keep the process alive. */
  readonly #alive = setTimeout(() => {}, LONGEST).unref()
  /** Jobs, and others for whom the process is to stay. */
  #holders = 0
  #idle: (() => void) | undefined
  #ending: Promise<void> | undefined
  #done = 0
  #failed = 0

  /** - Errors: `RangeError`; `ADDRESS_INVALID`. */
  constructor(options: PoolOptions) {
    const settings = settingsOf(options)
    this.#url = settings.url
    this.#maxWaiting = whole('maxWaiting', options.maxWaiting, 1) ?? Number.POSITIVE_INFINITY
    this.#ahead = AHEAD * settings.max
    this.#roomWaiters = new Waiters('room', this.#url)
    this.#readyWaiters = new Waiters('ready', this.#url)
    this.#crew = new Crew(settings, () => this.#onChange())
  }

  /** Resolves when `min` workers are ready. - Errors: why they could not be started; `CLOSED`; `ABORTED`. */
  async ready({ signal }: WaitOptions = {}): Promise<void> {
    throwIfAborted('ready', this.#url, signal)
    this.#throwIfEnding('ready')
    if (this.#crew.workers >= this.#crew.min) return
    this.#crew.fill()
    await this.#hold(this.#readyWaiters.wait(undefined, signal))
  }

  /** Resolves when another job may wait. - Errors: `CLOSED`; `ABORTED`. */
  async room({ signal }: WaitOptions = {}): Promise<void> {
    throwIfAborted('room', this.#url, signal)
    this.#throwIfEnding('room')
    if (this.#crew.waiting >= this.#maxWaiting) await this.#roomWaiters.wait(undefined, signal)
  }

  /**
   * Runs a function in a worker.
   *
   * - Order: jobs begin in the order of the calls.
   * - Abort: the job is taken back, or, where it has begun, asked to stop (`callContext().signal` is aborted); after `grace`
   *   its worker gets SIGTERM, and after that SIGKILL; a thread is terminated. The promise rejects at once.
   * - Errors: what the function throws; `RESET` the worker died; `ABORTED`; `TIMEOUT`; `TOO_LARGE`; `NO_RESOURCES` too many
   *   wait; `CLOSED`; why no worker could be started.
   */
  run<Name extends NameOf<Functions>>(
    name: Name,
    args: ArgumentsOf<Functions[Name]>,
    options: JobOptions = NO_OPTIONS,
  ): Promise<ResultOf<Functions[Name]>> {
    return new Promise((resolve, reject) => {
      this.#throwIfEnding('run')
      const { signal, timeout } = options
      throwIfAborted('run', this.#url, signal)
      whole('attempts', options.attempts, 1)
      checkTimeout(timeout)
      if (this.#crew.waiting >= this.#maxWaiting) {
        throw this.#error('NO_RESOURCES', 'run', `${this.#maxWaiting} jobs are waiting already`)
      }
      const encoded = encodeArguments(values, args)
      const settle = resolve as (value: unknown) => void
      const job = new Job(this.#nameOf(name), encoded, options, settle, reject, this.#onSettled)
      if (signal !== undefined) this.#aborts.add(signal, job)
      if (timeout !== undefined && timeout <= LONGEST) this.#limit(job, timeout)
      this.#open.add(job)
      this.#holdOn()
      this.#crew.add(job)
    })
  }

  /** Runs a function once for each item, and resolves with the results in the order of the items. */
  async map<Name extends NameOf<Functions>>(
    name: Name,
    items: Iterable<ItemOf<Functions[Name]>> | AsyncIterable<ItemOf<Functions[Name]>>,
    options: MapOptions = {},
  ): Promise<ResultOf<Functions[Name]>[]> {
    return all(this.imap(name, items, options))
  }

  /** {@link Pool.map} for functions of several arguments. */
  async starmap<Name extends NameOf<Functions>>(
    name: Name,
    items: Iterable<ArgumentsOf<Functions[Name]>> | AsyncIterable<ArgumentsOf<Functions[Name]>>,
    options: MapOptions = {},
  ): Promise<ResultOf<Functions[Name]>[]> {
    return all(this.#each(name, items, (item) => item, true, options))
  }

  /**
   * The results, in the order of the items, as they come; only so many jobs are started ahead of who reads them.
   *
   * - Errors: the first job that fails ends it, and the others are aborted. So does leaving the loop.
   */
  imap<Name extends NameOf<Functions>>(
    name: Name,
    items: Iterable<ItemOf<Functions[Name]>> | AsyncIterable<ItemOf<Functions[Name]>>,
    options: MapOptions = {},
  ): AsyncGenerator<ResultOf<Functions[Name]>, void, undefined> {
    return this.#each(name, items, oneArgument<ArgumentsOf<Functions[Name]>>, true, options)
  }

  /** {@link Pool.imap}, but in the order in which they are done. */
  imapUnordered<Name extends NameOf<Functions>>(
    name: Name,
    items: Iterable<ItemOf<Functions[Name]>> | AsyncIterable<ItemOf<Functions[Name]>>,
    options: MapOptions = {},
  ): AsyncGenerator<ResultOf<Functions[Name]>, void, undefined> {
    return this.#each(name, items, oneArgument<ArgumentsOf<Functions[Name]>>, false, options)
  }

  #each<Name extends NameOf<Functions>, Item>(
    name: Name,
    items: Iterable<Item> | AsyncIterable<Item>,
    argumentsOf: (item: Item) => ArgumentsOf<Functions[Name]>,
    ordered: boolean,
    { ahead = this.#ahead, onProgress, signal, ...options }: MapOptions,
  ): AsyncGenerator<ResultOf<Functions[Name]>, void, undefined> {
    whole('ahead', ahead, 1)
    const stopping = new AbortController()
    const onAbort = () => stopping.abort(signal!.reason)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    const total = countOf(items)
    let done = 0
    const start = async (item: Item) => {
      // Whoever waited for the same room may have been quicker.
      while (this.#crew.waiting >= this.#maxWaiting) await this.room({ signal: stopping.signal })
      const result = await this.run(name, argumentsOf(item), { ...options, signal: stopping.signal })
      onProgress?.(++done, total)
      return result
    }
    const stop = () => {
      signal?.removeEventListener('abort', onAbort)
      stopping.abort()
    }
    return lookAhead(items, start, { limit: ahead, ordered, stop })
  }

  get statistics(): PoolStatistics {
    const { workers, starting, waiting, running, ended, times } = this.#crew
    const { wait, run, transfer } = times
    return {
      workers,
      starting,
      waiting,
      running,
      ended,
      done: this.#done,
      failed: this.#failed,
      wait,
      run,
      transfer,
    }
  }

  /** Of the workers that are ready; of threads this process's own. */
  get pids(): number[] {
    return this.#crew.pids
  }

  /** Waits for all jobs, then lets the workers go. Idempotent. `run` rejects from now on. - Abort: as `abort`. */
  async close({ signal }: WaitOptions = {}): Promise<void> {
    const onAbort = () => this.abort(signal!.reason)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#ending ??= this.#hold(this.#drain())
    await this.#ending
    signal?.removeEventListener('abort', onAbort)
  }

  async #drain(): Promise<void> {
    this.#rejectWaiters()
    if (this.#open.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    await this.#crew.close()
  }

  /** Rejects all jobs with `ABORTED` and ends the workers, after `grace` with SIGKILL. Resolves when they have ended. */
  async abort(reason?: unknown): Promise<void> {
    const error = abortedError('run', this.#url, reason)
    this.#ending = this.#hold(this.#crew.abort())
    this.#rejectWaiters()
    for (const job of this.#open.all) job.fail(error)
    await this.#ending
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #throwIfEnding(operation: string): void {
    if (this.#ending !== undefined) throw this.#error('CLOSED', operation, 'the pool is closed')
  }

  #error(code: 'CLOSED' | 'NO_RESOURCES' | 'TIMEOUT', operation: string, reason: string): StraitError {
    return new StraitError(code, reason, { operation, url: this.#url })
  }

  #nameOf(name: string): Uint8Array {
    let bytes = this.#names.get(name)
    if (bytes === undefined) {
      bytes = encoder.encode(name)
      if (bytes.length > 255) throw new RangeError('the name of a function has at most 255 bytes')
      this.#names.set(name, bytes)
    }
    return bytes
  }

  #limit(job: Job, timeout: number): void {
    const error = () => this.#error('TIMEOUT', 'run', `not done within ${timeout} ms`)
    job.timer = setTimeout(() => this.#giveUp(job, error()), timeout)
  }

  #giveUp(job: Job, error: StraitError): void {
    job.fail(error)
    this.#crew.drop(job)
  }

  readonly #onSettled = (job: Job, failed: boolean): void => {
    if (failed) this.#failed++
    else this.#done++
    if (job.signal !== undefined) this.#aborts.delete(job.signal, job)
    this.#open.delete(job)
    this.#letGo()
    if (this.#open.size === 0) this.#idle?.()
  }

  async #hold<T>(promise: Promise<T>): Promise<T> {
    this.#holdOn()
    try {
      return await promise
    } finally {
      this.#letGo()
    }
  }

  #holdOn(): void {
    if (this.#holders++ === 0) this.#alive.ref()
  }

  #letGo(): void {
    if (--this.#holders === 0) this.#alive.unref()
  }

  #onChange(): void {
    while (this.#crew.waiting < this.#maxWaiting && this.#roomWaiters.size > 0)
      this.#roomWaiters.shift()!.resolve()
    const { workers, min, startError } = this.#crew
    if (workers >= min) this.#readyWaiters.resolveAll()
    else if (startError !== undefined) this.#readyWaiters.rejectAll(startError)
  }

  #rejectWaiters(): void {
    const error = this.#error('CLOSED', 'room', 'the pool is closed')
    this.#roomWaiters.rejectAll(error)
    this.#readyWaiters.rejectAll(error)
  }
}

const oneArgument = <A>(item: unknown): A => [item] as A

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const result of results) list.push(result)
  return list
}

/** As far as it is known before they are read. */
function countOf(items: object): number | undefined {
  const { length, size } = items as { length?: unknown; size?: unknown }
  if (typeof length === 'number') return length
  return typeof size === 'number' ? size : undefined
}
