import { cpuTime } from '../lane.js'
import { Samples } from '../locks/samples.js'
import type { Neighbours } from '../neighbours.js'
import type { Latency, PoolLane } from './lane.js'
import type { OpenLane } from './lanes.js'
import type { PoolRow, Work } from './row.js'

/** How much of what is done. */
export interface Plan {
  readonly repeats: number
  /** Jobs before anything counts, one at a time and at once. */
  readonly warmUp: number
  readonly one: number
  readonly batch: number
  readonly fib: readonly [n: number, count: number]
  /** Sizes, and how often each goes there and back. */
  readonly buffers: readonly number[]
  readonly rounds: number
}

/** Of time, to piscina. */
const BARS: Partial<Record<Work, number>> = { one: 1 / 5, batch: 1 / 10 }

const rounded = (value: number) => Number(value.toPrecision(4))

/** What was measured of one kind of work. */
class Series {
  readonly work: Work
  readonly bytes: number | null
  readonly nsPerJob = new Samples()
  readonly #p99 = new Samples()
  #jobs = 0
  #cpuNs: number | undefined = 0

  constructor(work: Work, bytes: number | null) {
    this.work = work
    this.bytes = bytes
  }

  async measure({ pids }: PoolLane, jobs: number, act: () => Promise<number | Latency>): Promise<void> {
    const ends = pids.map((pid) => ({ pid }))
    const before = cpuTime(ends)
    this.nsPerJob.begin()
    this.#p99.begin()
    const measured = await act()
    const after = cpuTime(ends)
    const { p50, p99 } = typeof measured === 'number' ? { p50: measured, p99: undefined } : measured
    this.nsPerJob.add(p50)
    if (p99 !== undefined) this.#p99.add(p99)
    this.#jobs += jobs
    const counted = this.#cpuNs !== undefined && before !== undefined && after !== undefined
    this.#cpuNs = counted ? this.#cpuNs! + after - before : undefined
  }

  get p99Ns(): number | null {
    return this.work === 'one' ? rounded(this.#p99.median()) : null
  }

  get cpuPerJobNs(): number | null {
    return this.#cpuNs === undefined ? null : rounded(this.#cpuNs / this.#jobs)
  }
}

/** A pool and what was measured of it so far. */
export class PoolRun {
  readonly #open: OpenLane
  readonly #workers: number
  readonly #plan: Plan
  readonly #series = new Map<string, Series>()
  #name = ''
  #mode = ''
  /** Why it is not there. */
  missing: string | undefined

  constructor(open: OpenLane, workers: number, plan: Plan) {
    this.#open = open
    this.#workers = workers
    this.#plan = plan
  }

  /** From its start to its end. How many cores others kept busy. */
  async repeat(watch: (lane: PoolLane) => Neighbours): Promise<number | undefined> {
    const lane = await this.#start()
    if (lane === undefined) return undefined
    const { warmUp, one, batch, fib, buffers, rounds } = this.#plan
    try {
      await lane.one(warmUp)
      await lane.batch?.(warmUp)
      const neighbours = watch(lane)
      await this.#of('one').measure(lane, one, () => lane.one(one))
      if (lane.batch !== undefined) await this.#of('batch').measure(lane, batch, () => lane.batch!(batch))
      if (lane.fib !== undefined) await this.#of('fib').measure(lane, fib[1], () => lane.fib!(...fib))
      if (lane.echo !== undefined && this.#workers === 1) {
        for (const bytes of buffers) {
          await this.#of('buffer', bytes).measure(lane, rounds, () => lane.echo!(bytes, rounds))
        }
      }
      return neighbours.cores()
    } finally {
      await lane.close()
    }
  }

  async #start(): Promise<PoolLane | undefined> {
    try {
      const lane = await this.#open(this.#workers)
      this.#name = lane.name
      this.#mode = lane.mode
      return lane
    } catch (error) {
      this.missing = (error as Error).message
      return undefined
    }
  }

  #of(work: Work, bytes: number | null = null): Series {
    const key = `${work} ${bytes}`
    let series = this.#series.get(key)
    if (series === undefined) {
      series = new Series(work, bytes)
      this.#series.set(key, series)
    }
    return series
  }

  /** `nsOfFib`: what a job of it would take if all cores did nothing else. */
  rows(piscina: PoolRun, nsOfFib: number): PoolRow[] {
    const ours = this.#name === 'Pool'
    return [...this.#series].map(([key, { work, bytes, nsPerJob, p99Ns, cpuPerJobNs }]) => {
      const theirs = piscina.#series.get(key)
      return {
        work,
        name: this.#name,
        mode: this.#mode,
        workers: this.#workers,
        wait: this.#mode.startsWith('shm:') ? waitOf(this.#mode) : null,
        bytes,
        nsPerJob: rounded(nsPerJob.median()),
        p99Ns,
        cpuPerJobNs,
        efficiency: work === 'fib' ? rounded(nsOfFib / nsPerJob.median()) : null,
        ratioToPiscina: theirs === undefined ? null : rounded(nsPerJob.median() / theirs.nsPerJob.median()),
        bar: ours && this.#mode.startsWith('shm:') ? (BARS[work] ?? null) : null,
        spread: rounded(nsPerJob.spread()),
      }
    })
  }

  spreads(): { ratio: number; what: string }[] {
    const what = `${this.#name}, ${this.#mode}, ${this.#workers} workers`
    return [...this.#series.values()].map(({ work, nsPerJob }) => ({
      ratio: nsPerJob.spread(),
      what: `${what}, ${work}`,
    }))
  }
}

const waitOf = (url: string) => /[?&]wait=(\w+)/.exec(url)?.[1] ?? 'adaptive'
