import { peerSchemes } from 'strait'
import { doubts } from './doubts.js'
import { buildFloors } from './floor-build.js'
import { describeMachine } from './machine.js'
import { type Mode, waitStrategyOf } from './mode.js'
import { Neighbours } from './neighbours.js'
import { openRuns } from './open-runs.js'
import { measureOthers } from './others.js'
import { Pace } from './pace.js'
import { type MeasuredPart, refuse } from './part.js'
import { type Placement, Placer } from './placement.js'
import type { ProgramRun } from './program-run.js'
import type { Part, Plan, Results, Row } from './results.js'
import type { Run, Subject } from './run.js'
import { canBlock, canLease } from './strait-lane.js'

export interface BenchOptions {
  /** Schemes, such as `unix:`, with a query where the transport knows one. Default: all, in each mode that they have. */
  urls?: readonly string[] | undefined
  /** Sizes of a message, in bytes. Default: 64. */
  payloads?: readonly number[] | undefined
  /** Default: `hot`. */
  modes?: readonly Mode[] | undefined
  /** Where the two ends run. Default: on different cores, where there are two and taskset(1). */
  placement?: Placement | undefined
  /** Measures the bare-Node twin of each transport beside it. Default: false. */
  peers?: boolean | undefined
  /** Measures blocking C over the same mechanism beside each transport that has a floor. Default: false. */
  floor?: boolean | undefined
  /** Measures what connecting and starting a peer costs. Default: false. */
  connections?: boolean | undefined
  /** Measures so many peers that ask at once. Default: none. */
  fanIn?: number | undefined
  /** Instead of one of those that `quick` chooses from. */
  plan?: Plan | undefined
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

/** Many short stretches: whatever disturbs one lasts longer than it. */
const FULL: Plan = { warmUpMs: 1500, repeats: 15, stretches: 12, stretchMs: 5 }
const QUICK: Plan = { warmUpMs: 100, repeats: 2, stretches: 2, stretchMs: 15 }

/**
 * Measures round trips and one-way throughput. The lanes of one payload size run in turns, stretch by stretch, so that
 * whatever else happens on the machine happens to all of them.
 *
 * - Errors: those of `spawnPeer`; `NOT_SUPPORTED` when an address was given that does not have a mode; `TOO_LARGE` a
 *   payload that cannot be written in place.
 */
export async function bench(options: BenchOptions = {}): Promise<Results> {
  const date = new Date().toISOString()
  const subjects = await findSubjects(options)
  const groups = group(subjects)
  const plan = options.plan ?? (options.quick ? QUICK : FULL)
  const machine = await describeMachine()
  const floors = options.floor ? await findFloors() : {}
  const rows: Row[] = []
  const parts: Part[] = []
  const peersMissing = new Set<string>()
  for (const payloadBytes of options.payloads ?? [64]) {
    const measured: Row[] = []
    for (const [index, together] of groups.entries()) {
      const outcome = await measure(together, payloadBytes, {
        ...options,
        plan,
        floors: floors.program,
        peers: options.peers ?? false,
        missing: peersMissing,
        onRepeat: (repeat) =>
          options.onProgress?.({
            payloadBytes,
            step: index * plan.repeats + repeat,
            steps: groups.length * plan.repeats,
          }),
      })
      measured.push(...outcome.rows)
      parts.push(outcome.part)
    }
    rows.push(...inOrder(measured, subjects))
  }
  const others = await measureOthers(options, plan, peersMissing)
  const { missing } = floors
  return {
    version: 2,
    date,
    machine,
    plan,
    rows,
    connections: others.connections,
    fanIn: others.fanIn,
    parts: [...parts, ...others.parts],
    peersMissing: [...peersMissing],
    ...(missing === undefined ? {} : { floorMissing: missing }),
  }
}

/** What is to be measured, in the order of the rows. */
async function findSubjects({ urls: named, modes = ['hot'] }: BenchOptions): Promise<Subject[]> {
  const urls = named ?? (await peerSchemes()).map((scheme) => `${scheme}:`)
  const subjects: Subject[] = []
  for (const mode of new Set(modes)) {
    for (const url of urls) {
      if (named !== undefined || (await hasMode(url, mode))) subjects.push({ url, mode })
    }
  }
  return subjects
}

async function hasMode(url: string, mode: Mode): Promise<boolean> {
  if (mode === 'sync') return canBlock(url)
  return mode !== 'leased' || canLease(url)
}

/** What is measured in turns. Who never sleeps would take a core from all others, and has a group of its own. */
function group(subjects: readonly Subject[]): Subject[][] {
  const spins = ({ url }: Subject) => waitStrategyOf(url) === 'spin'
  const sleeping = subjects.filter((subject) => !spins(subject))
  const groups = [sleeping, ...subjects.filter(spins).map((subject) => [subject])]
  return groups.filter(({ length }) => length > 0)
}

interface Measuring extends BenchOptions {
  readonly plan: Plan
  /** That makes the floors. */
  readonly floors: string | undefined
  readonly peers: boolean
  readonly onRepeat: (repeat: number) => void
  /** Takes which twins and programs are not there, and why. */
  readonly missing: Set<string>
}

async function measure(
  subjects: readonly Subject[],
  size: number,
  options: Measuring,
): Promise<MeasuredPart<Row>> {
  const { plan } = options
  const runs: (Run | ProgramRun)[] = []
  const placer = new Placer(options.placement)
  let othersCores = 0
  try {
    for (const subject of subjects) await openRuns(subject, size, { ...options, placer }, runs)
    for (const run of runs) run.place(placer)
    for (const run of runs) await run.warmUp(plan)
    const neighbours = new Neighbours(runs.flatMap((run) => run.processes()))
    for (let repeat = 1; repeat <= plan.repeats; repeat++) {
      options.onRepeat(repeat)
      for (const run of runs) run.beginRepeat()
      for (let stretch = 0; stretch < plan.stretches; stretch++) {
        for (const run of runs) await run.stretch(plan)
      }
    }
    othersCores = neighbours.cores() ?? 0
  } finally {
    await Promise.all(runs.map((run) => run.close()))
    placer.release()
  }
  const pace = new Pace(runs.flatMap((run) => run.repeats()))
  const rows = runs.map((run) => run.row(placer.placement, pace))
  const spreads = runs.flatMap((run) => run.spreads(pace))
  const paceSpread = pace.spread()
  const notes = doubts(othersCores, spreads, paceSpread)
  return refuse(rows, {
    what: `${together(subjects)}, ${size} bytes, ${placer.placement}`,
    paceSpread,
    notes,
  })
}

/** In a few words: one by its address, several by what they have in common. */
function together(subjects: readonly Subject[]): string {
  const modes = [...new Set(subjects.map(({ mode }) => mode))].join(' and ')
  return subjects.length === 1 ? `${subjects[0]!.url} ${modes}` : modes
}

/** As the subjects are: those of other groups in between, each twin behind its own. */
function inOrder(rows: readonly Row[], subjects: readonly Subject[]): Row[] {
  const place = ({ url, mode }: Row) =>
    subjects.findIndex((subject) => subject.url === url && subject.mode === mode)
  return [...rows].sort((a, b) => place(a) - place(b))
}

async function findFloors(): Promise<{ program?: string; missing?: string }> {
  try {
    return { program: await buildFloors() }
  } catch (error) {
    return { missing: (error as Error).message }
  }
}
