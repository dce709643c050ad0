import { setMaxListeners } from 'node:events'
import { StraitError } from '@strait/core'
import type { PeerExit } from '@strait/core/node'
import { ClaimBoard } from './claims.js'
import type { Job } from './job.js'
import { JobList } from './job-list.js'
import { PoolWorker, type WorkerOwner, type WorkerSettings } from './pool-worker.js'
import { Times } from './statistics.js'

/** So many workers in a row may fail to start, or end without having been sent a job. */
const FAILURES = 3

/** After that none is started for so long unless somebody asks, in ms. */
const PAUSE = 1_000

const DONE = Promise.resolve()

export interface CrewSettings extends WorkerSettings {
  readonly min: number
  readonly max: number
  readonly idleTimeout: number
}

/** The workers of a pool and the jobs that wait for them. */
export class Crew implements WorkerOwner {
  readonly #settings: CrewSettings
  readonly #board: ClaimBoard | undefined
  readonly #waiting = new JobList()
  readonly #workers = new Set<PoolWorker>()
  /** Ends those that are being started. */
  readonly #leaving = new AbortController()
  readonly #onChange: () => void
  #starts = new Set<Promise<void>>()
  #failures = 0
  /** performance.now(): before that only for jobs that nobody else is there to do. 0: somebody has asked since. */
  #startAgain = 0
  /** How often that came; a start that began before does not count any more. */
  #round = 0
  #scheduled = false
  #shrinking: NodeJS.Timeout | undefined
  readonly times = new Times()
  /** Workers that have ended. */
  ended = 0
  /** Why the last ones could not be started; undefined: they could. */
  startError: unknown

  /** `onChange` is called when jobs have left the queue, and when a worker is ready or none can be started. */
  constructor(settings: CrewSettings, onChange: () => void) {
    this.#settings = settings
    this.#onChange = onChange
    // All that are being started listen to it.
    setMaxListeners(0, this.#leaving.signal)
    // Those that end still have their place when others take theirs.
    this.#board = ClaimBoard.create(2 * settings.max + 2)
    this.#schedule()
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get workers(): number {
    return this.#workers.size
  }

  get starting(): number {
    return this.#starts.size
  }

  get pids(): number[] {
    return Array.from(this.#workers, ({ pid }) => pid)
  }

  /** Jobs that are on their way, or run. */
  get running(): number {
    let running = 0
    for (const { load } of this.#workers) running += load
    return running
  }

  /** As many as there are to be always. */
  get min(): number {
    return this.#settings.min
  }

  /** Starts those who are missing. */
  fill(): void {
    this.#startAgain = 0
    this.#schedule()
  }

  add(job: Job): void {
    this.#waiting.push(job)
    this.#schedule()
  }

  /** It has been settled: it needs not begin, and not go on. */
  drop(job: Job): void {
    if (job.place === undefined) this.#waiting.delete(job)
    else (job.place as PoolWorker).stop(job)
  }

  onReady(worker: PoolWorker): void {
    this.startError = undefined
    this.#workers.add(worker)
    this.#schedule()
    this.#onChange()
  }

  onAnswer(total: number, ms: number, msOnTheWay: number): void {
    this.#failures = 0
    this.times.record(total, ms, msOnTheWay)
    this.#schedule()
  }

  takeBack(jobs: JobList): void {
    if (jobs.length === 0) return
    for (let job = jobs.last; job !== undefined; job = jobs.last) {
      jobs.delete(job)
      if (!job.settled) this.#waiting.unshift(job)
    }
    this.#schedule()
  }

  onEnd(worker: PoolWorker): void {
    this.#workers.delete(worker)
    this.ended++
    if (worker.endError !== undefined && !worker.used) this.#fail(worker.endError)
    else this.#schedule()
  }

  /** Jobs that come together are handed out together. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    void DONE.then(this.#handOut)
  }

  readonly #handOut = (): void => {
    this.#scheduled = false
    const waited = this.#waiting.length
    this.#share()
    if (this.#waiting.length === 0) this.#even()
    this.#grow()
    this.#shrinkLater()
    if (this.#waiting.length < waited) this.#onChange()
  }

  /** To each worker one, before anybody has two; then as many as bring all to the same load. */
  #share(): void {
    if (this.#waiting.length === 0) return
    const now = performance.now()
    const mean = (this.#waiting.length + this.running) / this.#workers.size
    for (const load of [1, Math.floor(mean), Math.ceil(mean)]) {
      if (this.#waiting.length === 0) return
      for (const worker of this.#workers) this.#fill(worker, load, now)
    }
  }

  #fill(worker: PoolWorker, load: number, now: number): void {
    while (worker.load < load && worker.room > 0) {
      const job = this.#waiting.shift()
      if (job === undefined) return
      if (!worker.send(job, now)) this.#waiting.unshift(job)
    }
  }

  /** Nobody is idle while jobs wait for their turn elsewhere. */
  #even(): void {
    let idle = false
    let busiest: PoolWorker | undefined
    for (const worker of this.#workers) {
      if (worker.load === 0 && worker.room > 0) idle = true
      else if (worker.load > (busiest?.load ?? 1)) busiest = worker
    }
    if (!idle || busiest === undefined) return
    busiest.takeBack()
    this.#share()
  }

  /** One for each job, up to `max`. */
  #grow(): void {
    if (this.#leaving.signal.aborted) return
    const resting = this.#startAgain > 0 && performance.now() < this.#startAgain
    if (resting && this.#workers.size > 0) return
    const { min, max } = this.#settings
    const wanted = Math.max(resting ? 0 : min, Math.min(max, this.running + this.#waiting.length))
    for (let there = this.#staying + this.#starts.size; there < wanted; there++) this.#start()
  }

  get #staying(): number {
    let staying = 0
    for (const { retiring } of this.#workers) if (!retiring) staying++
    return staying
  }

  #start(): void {
    const round = this.#round
    const start = PoolWorker.start(this, this.#settings, this.#board, this.#leaving.signal).then(
      () => {
        this.#starts.delete(start)
      },
      (error) => {
        this.#starts.delete(start)
        if (round === this.#round) this.#fail(error)
        else if (this.#startAgain === 0 || this.#waiting.length > 0) this.#schedule()
      },
    )
    this.#starts.add(start)
  }

  /** Jobs are waiting, and nobody can be started who would do them. */
  #fail(error: unknown): void {
    if (this.#leaving.signal.aborted) return
    if (isInterrupt(error) || ++this.#failures < FAILURES) {
      this.#schedule()
      return
    }
    this.#failures = 0
    this.#round++
    this.#startAgain = performance.now() + PAUSE
    this.startError = error
    if (this.#workers.size === 0) {
      for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) job.fail(error)
    }
    this.#onChange()
  }

  /** Those who have had nothing to do for long go, down to `min`. */
  #shrinkLater(): void {
    const { min, idleTimeout } = this.#settings
    if (this.#shrinking !== undefined || this.#workers.size <= min) return
    this.#shrinking = setTimeout(() => {
      this.#shrinking = undefined
      const since = performance.now() - idleTimeout
      let there = this.#staying
      for (const worker of this.#workers) {
        if (there <= min) return
        if (worker.retiring || worker.load > 0 || worker.idleSince > since) continue
        worker.retire()
        there--
      }
      this.#shrinkLater()
    }, idleTimeout).unref()
  }

  /** Lets all workers do what they have begun, and go. Resolves when they have ended. */
  async close(): Promise<void> {
    await this.#leave((worker) => worker.retire())
  }

  /** Ends all workers, whatever they do. Resolves when they have ended. */
  async abort(): Promise<void> {
    await this.#leave((worker) => worker.kill())
  }

  async #leave(end: (worker: PoolWorker) => void): Promise<void> {
    this.#leaving.abort()
    clearTimeout(this.#shrinking)
    const workers = [...this.#workers]
    for (const worker of workers) end(worker)
    await Promise.all([...this.#starts, ...workers.map(({ ended }) => ended)])
    this.#board?.close()
  }
}

/** Whether Ctrl-C has ended it, which reaches also those that start, and cannot ignore it yet. */
function isInterrupt(error: unknown): boolean {
  return StraitError.is(error, 'RESET') && (error.cause as Partial<PeerExit> | undefined)?.signal === 'SIGINT'
}
