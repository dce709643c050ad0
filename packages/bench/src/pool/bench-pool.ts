import { availableParallelism } from 'node:os'
import { supported } from '@strait/posix'
import { doubts } from '../doubts.js'
import { describeMachine, type Machine } from '../machine.js'
import { Neighbours } from '../neighbours.js'
import { fib } from './lane.js'
import { inProcess } from './lane-process.js'
import { type OpenLane, python } from './lanes.js'
import type { PoolRow } from './row.js'
import { type Plan, PoolRun } from './run.js'

export interface BenchPoolOptions {
  /** How ours are reached. Default: `shm:`, also spinning, `unix:` and `worker:`. */
  urls?: readonly string[] | undefined
  /** How many workers. Default: 1, and one for each core. */
  workers?: readonly number[] | undefined
  /** Less of everything: to see that it works, not to quote. Default: false. */
  quick?: boolean | undefined
  /** Is told what begins. */
  onProgress?: ((progress: PoolProgress) => void) | undefined
}

export interface PoolProgress {
  readonly workers: number
  readonly repeat: number
  readonly repeats: number
}

export interface PoolReport {
  readonly machine: Machine
  readonly pool: readonly PoolRow[]
  /** Why the figures should not be quoted; empty is good. */
  readonly notes: readonly string[]
  /** What could not be measured beside the others, and why. */
  readonly missing: readonly string[]
}

const MIB = 2 ** 20
const FULL: Plan = {
  repeats: 5,
  warmUp: 5_000,
  one: 10_000,
  batch: 20_000,
  fib: [30, 100],
  buffers: [MIB, 16 * MIB],
  rounds: 20,
}
const QUICK: Plan = {
  repeats: 2,
  warmUp: 100,
  one: 100,
  batch: 500,
  fib: [20, 20],
  buffers: [MIB],
  rounds: 2,
}

const SPINNING = 'shm:?wait=spin'
const URLS = supported ? ['shm:', SPINNING, 'unix:', 'worker:'] : ['unix:', 'worker:']

/** Those beside which ours are measured; the first one is what they are compared with. */
const PEERS: readonly OpenLane[] = [
  inProcess('piscina'),
  inProcess('tinypool', 'worker_threads'),
  inProcess('tinypool', 'child_process'),
  inProcess('workerpool', 'thread'),
  inProcess('workerpool', 'process'),
  python('apply'),
  python('map'),
  python('executor'),
]

/**
 * Measures what a job costs in pools: ours, and those that people use today. In each repeat each pool is there alone, in a
 * process of its own, from its start to its end, one after the other: whatever else happens on the machine happens to all.
 *
 * - Errors: `Error` a job has a wrong result; those of `Pool`.
 */
export async function benchPool(options: BenchPoolOptions = {}): Promise<PoolReport> {
  const { urls = URLS, onProgress } = options
  const plan = options.quick ? QUICK : FULL
  const machine = await describeMachine()
  const cores = availableParallelism()
  const missing = new Set<string>()
  const rows: PoolRow[] = []
  const spreads: { ratio: number; what: string }[] = []
  let othersCores = 0
  for (const workers of options.workers ?? [...new Set([1, cores])]) {
    // More that spin than there are cores keep each other from running.
    const ours = urls.filter((url) => url !== SPINNING || options.urls !== undefined || workers < cores)
    const alone = workers === 1 ? ours.map((url) => inProcess('channelAlone', url)) : []
    const opens = [...PEERS, ...ours.map((url) => inProcess('strait', url)), ...alone]
    const runs = opens.map((open) => new PoolRun(open, workers, plan))
    const core = new CoreSpeed(plan)
    for (let repeat = 1; repeat <= plan.repeats; repeat++) {
      onProgress?.({ workers, repeat, repeats: plan.repeats })
      core.measure()
      for (const run of runs) {
        if (run.missing !== undefined) continue
        const neighbours = await run.repeat((lane) => new Neighbours(lane.pids.map((pid) => ({ pid }))))
        othersCores = Math.max(othersCores, neighbours ?? 0)
      }
    }
    for (const run of runs) if (run.missing !== undefined) missing.add(run.missing)
    for (const run of runs) {
      rows.push(...run.rows(runs[0]!, core.nsPerJob / Math.min(workers, cores)))
      spreads.push(...run.spreads())
    }
  }
  return { machine, pool: rows, notes: doubts(othersCores, spreads), missing: [...missing] }
}

/** What a job of `fib` takes here, without a pool; the best of the repeats. */
class CoreSpeed {
  readonly #n: number
  nsPerJob = Number.POSITIVE_INFINITY

  constructor({ fib: [n] }: Plan) {
    this.#n = n
  }

  measure(): void {
    for (let round = 0; round < 5; round++) {
      const start = performance.now()
      fib(this.#n)
      this.nsPerJob = Math.min(this.nsPerJob, (performance.now() - start) * 1e6)
    }
  }
}
