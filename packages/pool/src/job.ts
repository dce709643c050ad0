import type { EncodedArguments } from '@strait/rpc/caller'
import type { JobOptions } from './types.js'

/** Where a job runs. */
export interface JobPlace {
  answered(job: Job, ms: number | undefined): void
}

/** A call of a function elsewhere. It is its own entry in the worker's {@link Caller}. */
export class Job {
  readonly name: Uint8Array
  readonly args: EncodedArguments
  readonly signal: AbortSignal | undefined
  timer: NodeJS.Timeout | undefined
  /** Runs that are left, the present one among them. */
  attempts: number
  /** Whether whoever asked has been told. */
  settled = false
  /** undefined: it waits. */
  place: JobPlace | undefined
  /** Where it stands in a `JobBag`. */
  seat = 0
  /** Its number there. */
  call = 0
  /** performance.now(); and when it was sent there. */
  readonly queued = performance.now()
  sent = 0
  // Neighbours in a JobList.
  previous: Job | undefined
  next: Job | undefined
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #onSettled: (job: Job, failed: boolean) => void

  constructor(
    name: Uint8Array,
    args: EncodedArguments,
    { signal, attempts = 1 }: JobOptions,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    onSettled: (job: Job, failed: boolean) => void,
  ) {
    this.name = name
    this.args = args
    this.signal = signal
    this.attempts = attempts
    this.#resolve = resolve
    this.#reject = reject
    this.#onSettled = onSettled
  }

  onValue(value: unknown, ms: number | undefined): void {
    this.place?.answered(this, ms)
    if (this.settled) return
    this.#settle(false)
    this.#resolve(value)
  }

  onError(error: unknown, ms: number | undefined): void {
    this.place?.answered(this, ms)
    this.fail(error)
  }

  /** Its worker has ended; what comes of it depends on whether it had begun. */
  onLost(): void {}

  /** Whoever asked is told, once. It may run still. */
  fail(error: unknown): void {
    if (this.settled) return
    this.#settle(true)
    this.#reject(error)
  }

  #settle(failed: boolean): void {
    this.settled = true
    if (this.timer !== undefined) clearTimeout(this.timer)
    this.#onSettled(this, failed)
  }
}

/** Jobs in no order: cheaper than a Set, in which there would be many. */
export class JobBag {
  readonly #jobs: Job[] = []

  get size(): number {
    return this.#jobs.length
  }

  get all(): Job[] {
    return this.#jobs.slice()
  }

  add(job: Job): void {
    job.seat = this.#jobs.push(job) - 1
  }

  delete(job: Job): void {
    const last = this.#jobs.pop()!
    if (last === job) return
    this.#jobs[job.seat] = last
    last.seat = job.seat
  }
}

/** Jobs in order, of which any can be taken out. A job is in one list at most. */
export class JobList {
  #first: Job | undefined
  #last: Job | undefined
  length = 0

  get first(): Job | undefined {
    return this.#first
  }

  get last(): Job | undefined {
    return this.#last
  }

  push(job: Job): void {
    job.previous = this.#last
    job.next = undefined
    if (this.#last === undefined) this.#first = job
    else this.#last.next = job
    this.#last = job
    this.length++
  }

  unshift(job: Job): void {
    job.previous = undefined
    job.next = this.#first
    if (this.#first === undefined) this.#last = job
    else this.#first.previous = job
    this.#first = job
    this.length++
  }

  delete(job: Job): void {
    if (job.previous === undefined) this.#first = job.next
    else job.previous.next = job.next
    if (job.next === undefined) this.#last = job.previous
    else job.next.previous = job.previous
    job.previous = undefined
    job.next = undefined
    this.length--
  }

  shift(): Job | undefined {
    const job = this.#first
    if (job !== undefined) this.delete(job)
    return job
  }
}
