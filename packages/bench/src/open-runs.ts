import { schemeOf } from 'strait'
import { floorMechanism, openFloor } from './floor.js'
import { waitStrategyOf } from './mode.js'
import type { Placer } from './placement.js'
import { ProgramRun } from './program-run.js'
import { Run, type Subject } from './run.js'
import { straitLane } from './strait-lane.js'
import { findTwins } from './twins/index.js'
import { Missing } from './twins/missing.js'
import { findPrograms, zmqFloors } from './twins/programs.js'

export interface Surroundings {
  readonly placer: Placer
  /** What `buildFloors` made, if floors are wanted and it could. */
  readonly floors: string | undefined
  /** Whether twins and programs are wanted. */
  readonly peers: boolean
  /** Takes what is not there, and why. */
  readonly missing: Set<string>
}

/** Adds a lane with its floor, and what is measured beside it, to the runs, which are closed also when that fails. */
export async function openRuns(
  subject: Subject,
  payloadBytes: number,
  surroundings: Surroundings,
  runs: (Run | ProgramRun)[],
): Promise<void> {
  const { url, mode } = subject
  const { placer, peers, missing } = surroundings
  const scheme = schemeOf(url, 'bench')
  const options = { sync: mode === 'sync', leased: mode === 'leased' }
  const ours = new Run(subject, await straitLane(url, payloadBytes, options))
  runs.push(ours)
  await addFloor(ours, subject, payloadBytes, surroundings)
  if (!peers) return
  const beside = { ...subject, twin: true }
  for (const twin of findTwins(scheme, payloadBytes, mode)) {
    await ifThere(twin.name, missing, async () => {
      runs.push(new Run(beside, await twin.open(payloadBytes)))
    })
  }
  // A lane that spins would take their core from them.
  const programs = waitStrategyOf(url) === 'spin' ? [] : findPrograms(scheme, payloadBytes, mode)
  for (const program of programs) {
    await ifThere(program.name, missing, async () => {
      runs.push(new ProgramRun(beside, payloadBytes, await program.open(payloadBytes, placer.ends)))
    })
  }
}

async function addFloor(
  run: Run,
  { url, mode }: Subject,
  payloadBytes: number,
  { placer, floors, missing }: Surroundings,
): Promise<void> {
  // Those in C have no empty messages.
  if (floors === undefined || payloadBytes === 0) return
  const scheme = schemeOf(url, 'bench')
  const mechanism = floorMechanism(scheme, mode)
  if (mechanism !== undefined) run.compareWith(await openFloor(floors, mechanism, payloadBytes, placer.ends))
  const library = zmqFloors[scheme]
  if (library === undefined) return
  await ifThere(library.name, missing, async () =>
    run.compareWith(await library.open(payloadBytes, placer.ends)),
  )
}

/** Nothing where it is not there, and why it is not. */
export async function ifThere(name: string, missing: Set<string>, open: () => Promise<void>): Promise<void> {
  try {
    await open()
  } catch (error) {
    if (!(error instanceof Missing)) throw error
    missing.add(`${name}: ${error.message}`)
  }
}
