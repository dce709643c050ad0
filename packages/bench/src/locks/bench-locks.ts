import { doubts, type Spread } from '../doubts.js'
import { buildFloors } from '../floor-build.js'
import { describeMachine, type Machine } from '../machine.js'
import { Neighbours } from '../neighbours.js'
import { type Placement, Placer } from '../placement.js'
import type { Plan } from '../results.js'
import { lanesOf, type Situation, situations } from './lanes.js'
import type { LockRow } from './row.js'
import { ContestRun, type LockRun, PairRun } from './runs.js'

export interface BenchLocksOptions {
  /** How many processes want one lock in the last situation. Default: 8. */
  crowd?: number | undefined
  /** Where the sides run. Those of a crowd on all cores, but on one in `same-core`. Default: as of `bench`. */
  placement?: Placement | undefined
  /** Shorter stretches and fewer of them: to see that it works, not to quote. Default: false. */
  quick?: boolean | undefined
  /** Is told what begins. */
  onProgress?: ((progress: LockProgress) => void) | undefined
}

export interface LockProgress {
  readonly situation: Situation
  readonly repeat: number
  readonly repeats: number
}

export interface LockReport {
  readonly machine: Machine
  readonly locks: readonly LockRow[]
  /** Why the figures should not be quoted; empty is good. */
  readonly notes: readonly string[]
  /** What could not be measured beside the others, and why. */
  readonly missing: readonly string[]
}

const FULL: Readonly<Record<Situation, Plan>> = {
  alone: { warmUpMs: 200, repeats: 5, stretches: 10, stretchMs: 20 },
  two: { warmUpMs: 200, repeats: 5, stretches: 1, stretchMs: 1000 },
  crowd: { warmUpMs: 200, repeats: 3, stretches: 1, stretchMs: 2000 },
}

const QUICK: Readonly<Record<Situation, Plan>> = {
  alone: { warmUpMs: 50, repeats: 2, stretches: 2, stretchMs: 10 },
  two: { warmUpMs: 50, repeats: 2, stretches: 1, stretchMs: 100 },
  crowd: { warmUpMs: 50, repeats: 1, stretches: 1, stretchMs: 300 },
}

/**
 * Measures locks: alone, wanted by two processes or threads, and by a crowd of processes. The lanes of one situation run
 * in turns, stretch by stretch, so that whatever else happens on the machine happens to all of them.
 *
 * - Errors: `Error` the counter that a lock guards does not say what it must, or a side has ended; those of `Region` and
 *   `Mutex`.
 */
export async function benchLocks(options: BenchLocksOptions = {}): Promise<LockReport> {
  const plans = options.quick ? QUICK : FULL
  const machine = await describeMachine()
  const missing = new Set<string>()
  const program = await buildFloors().catch((error: Error) => void missing.add(`C: ${error.message}`))
  const locks: LockRow[] = []
  const spreads: Spread[] = []
  let othersCores = 0
  for (const situation of situations) {
    const plan = plans[situation]
    const placer = new Placer(placementOf(situation, options.placement))
    const runs: LockRun[] = []
    try {
      const lanes = lanesOf(situation, { program, placer, crowd: options.crowd ?? 8, missing })
      for await (const lane of lanes) {
        runs.push('pairs' in lane ? new PairRun(lane) : new ContestRun(lane))
      }
      for (const run of runs) await run.warmUp(plan)
      const neighbours = new Neighbours(processesOf(runs))
      for (let repeat = 1; repeat <= plan.repeats; repeat++) {
        options.onProgress?.({ situation, repeat, repeats: plan.repeats })
        for (const run of runs) run.beginRepeat()
        for (let stretch = 0; stretch < plan.stretches; stretch++) {
          for (const run of runs) await run.stretch(plan)
        }
      }
      othersCores = Math.max(othersCores, neighbours.cores() ?? 0)
    } finally {
      await Promise.all(runs.map(({ lane }) => lane.close()))
      placer.release()
    }
    const floor = runs.find(({ lane }) => lane.name === 'pthread_mutex' && lane.mode !== 'plain')
    locks.push(...runs.map((run) => run.row(placer.placement, floor)))
    spreads.push(...runs.map((run) => run.spread()))
  }
  return { machine, locks, notes: doubts(othersCores, spreads), missing: [...missing] }
}

/** A crowd is more than there are cores; but all of it may be wanted on one. */
function placementOf(situation: Situation, wanted: Placement | undefined): Placement | undefined {
  return situation === 'crowd' && wanted !== 'same-core' ? 'free' : wanted
}

/** Each once, however many lanes it serves. */
const processesOf = (runs: readonly LockRun[]) =>
  [...new Set(runs.flatMap(({ lane }) => lane.pids))].map((pid) => ({ pid }))
