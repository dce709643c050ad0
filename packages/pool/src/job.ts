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
