import { readFileSync } from 'node:fs'
import { json, StraitError, throwIfAborted } from '@strait/core'
import type { PeerExit, SpawnedPeer, SpawnOptions } from '@strait/core/node'
import { Caller, encodeArguments, fromWire, Kind } from '@strait/rpc/caller'
import { spawnPeer } from 'strait'
import { type ClaimBoard, type Claims, isBehind } from './claims.js'
import type { Job, JobPlace } from './job.js'
import { JobList } from './job-list.js'
import { LastWords } from './last-words.js'
import type { Readiness, Settings } from './settings.js'
import { values } from './values.js'

/** So many jobs may be on their way to a worker, so that small ones travel together; */
const AHEAD = 64
/** but no other one from so many bytes on. */
const AHEAD_BYTES = 65_536
/** How often the memory of a worker is looked at, at most, in ms. */
const LOOK = 100
const PAGE = 4_096

const encoder = new TextEncoder()
const PROGRAM = new URL('./program.js', import.meta.url)

/** What all workers of a pool have in common. */
export interface WorkerSettings {
  readonly url: string
  readonly entry: string
  readonly initialize: { readonly name: string; readonly args?: readonly unknown[] } | undefined
  readonly maxJobs: number
  readonly maxMemory: number
  readonly grace: number
  readonly spawn: SpawnOptions
}

/** Who has the workers. */
export interface WorkerOwner {
  /** It can be sent jobs. */
  onReady(worker: PoolWorker): void
  /** A job is done: so many ms after it was asked for, so many of them there, and on the way there and back. */
  onAnswer(total: number, ms: number, msOnTheWay: number): void
  /** These had not begun, and wait again; in order, before all others. */
  takeBack(jobs: JobList): void
  /** One that was ready has ended. */
  onEnd(worker: PoolWorker): void
}

/** One worker, and the jobs that it has been sent: in this order they begin, and are answered. */
export class PoolWorker implements JobPlace {
  readonly #owner: WorkerOwner
  readonly #settings: WorkerSettings
  readonly #peer: SpawnedPeer
  readonly #caller: Caller
  readonly #words: LastWords
  readonly #claims: Claims | undefined
  readonly #jobs = new JobList()
  #bytes = 0
  #retiring = false
  #stopping: { job: Job; timer: NodeJS.Timeout } | undefined
  #lastAnswer = 0
  #lastLook = 0
  /** Jobs done here. */
  #done = 0
  #ready = false
  /** Whether it has been sent a job. */
  used = false
  /** How it ended, unless it was let go. */
  endError: StraitError | undefined
  /** performance.now(); it has had nothing to do from then on. */
  idleSince = performance.now()
  /** Resolves when it has ended. */
  readonly ended: Promise<void>

  private constructor(
    owner: WorkerOwner,
    settings: WorkerSettings,
    peer: SpawnedPeer,
    words: LastWords,
    claims: Claims | undefined,
  ) {
    this.#owner = owner
    this.#settings = settings
    this.#peer = peer
    this.#words = words
    this.#claims = claims
    this.#caller = new Caller(peer.channel, { codec: values })
    this.ended = this.#watch()
  }

  /**
   * Starts one, which loads the module and is initialized.
   *
   * - Abort: kills it.
   * - Errors: those of `spawnPeer`; what the module throws, or its initialization.
   */
  static async start(
    owner: WorkerOwner,
    settings: WorkerSettings,
    board: ClaimBoard | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const place = board?.take()
    const giveBack = () => {
      if (place !== undefined) board!.release(place.address)
    }
    const peer = await spawnPeer(settings.url, PROGRAM, { ...settings.spawn, signal }).catch((error) => {
      giveBack()
      throw error
    })
    peer.unref()
    const words = new LastWords(peer.process?.stderr ?? peer.thread?.stderr)
    let worker: PoolWorker | undefined
    try {
      const found = await introduce(peer, { entry: settings.entry, claims: place?.address }, signal)
      worker = new PoolWorker(owner, settings, peer, words, found ? place!.claims : undefined)
      // The next one in its place clears what this one has begun.
      void worker.ended.then(giveBack)
      await worker.#initialize(signal)
      throwIfAborted('start', settings.url, signal)
      worker.#ready = true
      owner.onReady(worker)
    } catch (error) {
      peer.kill('SIGKILL')
      const exit = await peer.exited
      // It looks at its claims once more; whoever has the board may close it then.
      if (worker === undefined) giveBack()
      else await worker.ended
      if (!StraitError.is(error, 'RESET')) throw error
      throw diedIn(settings.url, exit, error, await words.read())
    }
  }

  async #initialize(signal: AbortSignal): Promise<void> {
    const { initialize } = this.#settings
    if (initialize === undefined) return
    const onAbort = () => this.#peer.kill('SIGKILL')
    signal.addEventListener('abort', onAbort)
    try {
      const args = encodeArguments(values, initialize.args ?? [])
      await new Promise<unknown>((onValue, onError) => {
        const entry = { onValue, onError, onLost: onError }
        this.#caller.begin(Kind.CALL, encoder.encode(initialize.name), args, entry)
      })
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  get pid(): number {
    return this.#peer.pid
  }

  /** Jobs that it has been sent and has not answered. */
  get load(): number {
    return this.#jobs.length
  }

  get retiring(): boolean {
    return this.#retiring
  }

  /** How many more jobs it can be sent now. */
  get room(): number {
    if (this.#retiring || this.#stopping !== undefined || this.#bytes >= AHEAD_BYTES) return 0
    const most = this.#claims === undefined ? 1 : Math.min(AHEAD, this.#settings.maxJobs - this.#done)
    return most - this.#jobs.length
  }

  /** false: it has ended just now. `now` is performance.now(). */
  send(job: Job, now: number): boolean {
    try {
      job.call = this.#caller.begin(Kind.CALL, job.name, job.args, job)
    } catch (error) {
      if (!StraitError.is(error, 'TOO_LARGE')) {
        this.#retiring = true
        return false
      }
      job.fail(error)
      return true
    }
    this.used = true
    job.place = this
    job.sent = now
    this.#jobs.push(job)
    this.#bytes += job.args.size
    return true
  }

  answered(job: Job, ms = 0): void {
    this.#remove(job)
    this.#done++
    if (this.#stopping?.job === job) {
      clearTimeout(this.#stopping.timer)
      this.#stopping = undefined
    }
    const now = performance.now()
    const since = Math.max(job.sent, this.#lastAnswer)
    this.#lastAnswer = now
    if (this.#jobs.length === 0) this.idleSince = now
    this.#owner.onAnswer(now - job.queued, ms, Math.max(0, now - since - ms))
    if (this.#done >= this.#settings.maxJobs || this.#isLarge(now)) this.retire()
    else if (this.#retiring) this.#leave()
  }

  /** Of what it has been sent, all that has not begun waits again. */
  takeBack(): void {
    const last = this.#jobs.last
    if (last === undefined || this.#claims === undefined) return
    this.#owner.takeBack(this.#unbegun(this.#claims.takeBack(last.call)))
  }

  /** Takes out of the jobs those behind this call. */
  #unbegun(begun: number): JobList {
    const jobs = new JobList()
    for (let job = this.#jobs.last; job !== undefined && isBehind(job.call, begun); job = this.#jobs.last) {
      this.#remove(job)
      this.#caller.forget(job.call)
      jobs.unshift(job)
    }
    return jobs
  }

  #remove(job: Job): void {
    this.#jobs.delete(job)
    this.#bytes -= job.args.size
    job.place = undefined
  }

  /**
   * Nobody waits for this job any more: it is taken back, or asked to stop, and in the end the worker is ended. What has not
   * begun does not wait for that.
   */
  stop(job: Job): void {
    this.takeBack()
    if (job.place !== this) return
    this.#caller.cancel(job.call)
    clearTimeout(this.#stopping?.timer)
    this.#stopping = { job, timer: this.#killLater('SIGTERM') }
  }

  #killLater(signal: 'SIGTERM' | 'SIGKILL'): NodeJS.Timeout {
    return setTimeout(() => {
      // It may answer still, but will not be there for another job.
      this.#retiring = true
      this.#peer.kill(signal)
      if (signal === 'SIGTERM') this.#stopping!.timer = this.#killLater('SIGKILL')
    }, this.#settings.grace)
  }

  /** Whether a process has more memory of its own than it may have. */
  #isLarge(now: number): boolean {
    const { maxMemory } = this.#settings
    if (maxMemory === Number.POSITIVE_INFINITY || now - this.#lastLook < LOOK) return false
    this.#lastLook = now
    try {
      const [, resident, shared] = readFileSync(`/proc/${this.pid}/statm`, 'latin1').split(' ')
      return (Number(resident) - Number(shared)) * PAGE > maxMemory
    } catch {
      // It has ended.
      return false
    }
  }

  /** It gets no more jobs, and ends when those that have begun are done. */
  retire(): void {
    if (this.#retiring) return
    this.#retiring = true
    this.takeBack()
    this.#leave()
  }

  #leave(): void {
    if (this.#jobs.length === 0) void this.#peer.close()
  }

  /** Ends it now, whatever it does. */
  kill(): void {
    this.#retiring = true
    this.#peer.kill('SIGTERM')
    const timer = setTimeout(() => this.#peer.kill('SIGKILL'), this.#settings.grace)
    void this.ended.then(() => clearTimeout(timer))
  }

  async #watch(): Promise<void> {
    const failure = await this.#caller.ended
    const left = this.#retiring
    this.#retiring = true
    clearTimeout(this.#stopping?.timer)
    // Alive or not, it has no channel any more. One that was closed may take the time that `close` gives it.
    if (failure !== undefined) this.#peer.kill('SIGKILL')
    const exit = await this.#peer.exited
    const unbegun = this.#claims === undefined ? new JobList() : this.#unbegun(this.#claims.begun)
    if (this.#jobs.length > 0 || !left) {
      const error = diedIn(this.#settings.url, exit, failure, await this.#words.read())
      if (!left) this.endError = error
      for (let job = this.#jobs.last; job !== undefined; job = this.#jobs.last) {
        this.#remove(job)
        if (--job.attempts > 0) unbegun.unshift(job)
        else job.fail(error)
      }
    }
    this.#owner.takeBack(unbegun)
    if (this.#ready) this.#owner.onEnd(this)
  }
}

/** Tells a new worker what it is for. Whether it has found its claims. */
async function introduce(
  { channel }: SpawnedPeer,
  settings: Settings,
  signal: AbortSignal,
): Promise<boolean> {
  await channel.send(json.encode(settings), { signal })
  const answer = await channel.receive({ signal })
  if (answer === undefined) {
    throw new StraitError('RESET', 'it does not say whether it is ready', {
      operation: 'start',
      url: channel.url,
    })
  }
  const { error, claims = false }: Readiness = json.decode(answer)
  if (error !== undefined) throw fromWire(error)
  return claims
}

/** What is known of a worker's end. */
function diedIn(
  url: string,
  { exitCode, signal, error }: PeerExit,
  failure: unknown,
  stderr: string,
): StraitError {
  let how = signal === null ? `exited with code ${exitCode}` : `was killed by ${signal}`
  if (error !== undefined) how = `threw ${error}`
  const last = stderr === '' ? '' : `; its last words: ${stderr}`
  const cause = { exitCode, signal, stderr, error: error ?? failure }
  return new StraitError('RESET', `the worker ${how}${last}`, { operation: 'run', url, cause })
}
