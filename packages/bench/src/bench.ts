import { peerSchemes, schemeOf } from 'strait'
import { floorMechanisms, openFloor } from './floor.js'
import { buildFloors } from './floor-build.js'
import { describeMachine, type Machine } from './machine.js'
import { Neighbours } from './neighbours.js'
import { type Placement, Placer } from './placement.js'
import { type Mode, type Plan, type Row, Run, type Spread } from './run.js'
import { straitLane } from './strait-lane.js'
import { twins } from './twins/index.js'

export interface BenchOptions {
  /** Schemes, such as `unix:`. Default: all. */
  urls?: readonly string[] | undefined
  /** Sizes of a message, in bytes. Default: 64. */
  payloads?: readonly number[] | undefined
  mode?: Mode | undefined
  /** Where the two ends run. Default: on different cores, where there are two and taskset(1). */
  placement?: Placement | undefined
  /** Measures the bare-Node twin of each transport beside it. Default: false. */
  peers?: boolean | undefined
  /** Measures blocking C over the same mechanism beside each transport that has a floor. Default: false. */
  floor?: boolean | undefined
  /** Shorter stretches and fewer of them: to see that it works, not to quote. Default: false. */
  quick?: boolean | undefined
  /** Is told what begins. */
  onProgress?: ((progress: Progress) => void) | undefined
}

export interface Progress {
  readonly payloadBytes: number
  readonly step: number
  readonly steps: number
}

export interface Report {
  readonly machine: Machine
  readonly rows: readonly Row[]
}

export interface Remarks {
  /** Why the figures should not be quoted; empty is good. */
  readonly notes: readonly string[]
  /** Why the floors that were asked for are not there. */
  readonly floorMissing?: string
}

const FULL: Plan = { warmUpMs: 300, repeats: 5, stretches: 10, stretchMs: 20 }
const QUICK: Plan = { warmUpMs: 50, repeats: 2, stretches: 2, stretchMs: 15 }

/** Cores that others may keep busy, on average. */
const OTHERS_LIMIT = 0.1

/** Repeats that differ by more than this are not to be quoted. */
const SPREAD_LIMIT = 0.1

/**
 * Measures round trips and one-way throughput. The lanes of one payload size run in turns, stretch by stretch, so that
 * whatever else happens on the machine happens to all of them.
 */
export async function bench(options: BenchOptions = {}): Promise<Report & Remarks> {
  const { payloads = [64], mode = 'hot' } = options
  const urls = options.urls ?? (await peerSchemes()).map((scheme) => `${scheme}:`)
  const plan = options.quick ? QUICK : FULL
  const machine = await describeMachine()
  const floors = options.floor ? await findFloors() : {}
  const rows: Row[] = []
  const spreads: Spread[] = []
  let othersCores = 0
  for (const payloadBytes of payloads) {
    const runs: Run[] = []
    const placer = new Placer(options.placement)
    try {
      for (const url of urls) {
        const scheme = schemeOf(url, 'bench')
        const ours = new Run(url, mode, await straitLane(url, payloadBytes))
        runs.push(ours)
        const mechanism = floorMechanisms[scheme]
        if (floors.program !== undefined && mechanism !== undefined) {
          ours.compareWith(await openFloor(floors.program, mechanism, payloadBytes, placer.ends))
        }
        const twin = options.peers ? twins[scheme] : undefined
        if (twin !== undefined) runs.push(new Run(url, mode, await twin(payloadBytes), 'twin'))
      }
      for (const { lane } of runs) placer.place(lane)
      for (const run of runs) await run.warmUp(plan)
      const neighbours = new Neighbours(runs.flatMap((run) => run.processes()))
      for (let step = 1; step <= plan.repeats; step++) {
        options.onProgress?.({ payloadBytes, step, steps: plan.repeats })
        for (const run of runs) run.beginRepeat()
        for (let stretch = 0; stretch < plan.stretches; stretch++) {
          for (const run of runs) await run.stretch(plan)
        }
      }
      othersCores = Math.max(othersCores, neighbours.cores() ?? 0)
    } finally {
      await Promise.all(runs.map((run) => run.close()))
      placer.release()
    }
    rows.push(...runs.map((run) => run.row(placer.placement)))
    spreads.push(...runs.flatMap((run) => run.spreads()))
  }
  const { missing } = floors
  return {
    machine,
    rows,
    notes: doubts(othersCores, spreads),
    ...(missing === undefined ? {} : { floorMissing: missing }),
  }
}

async function findFloors(): Promise<{ program?: string; missing?: string }> {
  try {
    return { program: await buildFloors() }
  } catch (error) {
    return { missing: (error as Error).message }
  }
}

function doubts(othersCores: number, spreads: readonly Spread[]): string[] {
  const notes: string[] = []
  if (othersCores > OTHERS_LIMIT) notes.push(`others kept ${othersCores.toFixed(1)} cores busy meanwhile`)
  const worst = spreads.reduce((a, b) => (a.ratio > b.ratio ? a : b), { ratio: 0, what: '' })
  if (worst.ratio > SPREAD_LIMIT) {
    notes.push(`repeats differ by up to ${Math.round(worst.ratio * 100)} % (${worst.what})`)
  }
  return notes
}
