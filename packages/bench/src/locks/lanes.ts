import { supported } from '@strait/posix'
import type { Placer } from '../placement.js'
import type { AtomicsSideData } from './atomics-side.js'
import type { LockLane } from './lane.js'
import { contestByProgram, inC, inPython, type LockProgram, pairsByProgram } from './lock-program.js'
import { asyncMutexPairs, atomicsPairs } from './pair-lanes.js'
import type { Seat } from './side.js'
import { sideInThread, Team } from './team.js'

/** Who wants a lock: one, two, or many processes. */
export const situations = ['alone', 'two', 'crowd'] as const
export type Situation = (typeof situations)[number]

export interface Surroundings {
  /** What `buildFloors` made, if it could. */
  readonly program: string | undefined
  readonly placer: Placer
  /** How many are a crowd. */
  readonly crowd: number
  /** Takes what is not there, and why. */
  readonly missing: Set<string>
}

/** Opens what is to be measured in turns; whoever asks closes it, also when the next one cannot be opened. */
export function lanesOf(situation: Situation, surroundings: Surroundings): AsyncIterable<LockLane> {
  if (situation === 'alone') return alone(surroundings)
  return situation === 'two' ? two(surroundings) : crowd(surroundings)
}

async function* alone({ program, placer, missing }: Surroundings): AsyncGenerator<LockLane> {
  const byProgram = (lock: LockProgram) =>
    ifThere(lock.name, missing, async () => [await pairsByProgram(lock, placer.ends?.here)])
  if (program !== undefined) {
    yield* await byProgram(inC(program, 'plain'))
    yield* await byProgram(inC(program, 'robust'))
  }
  yield* await ours(missing, ({ straitPairs }) => straitPairs())
  yield atomicsPairs()
  yield* await ifThere('async-mutex', missing, asyncMutexPairs)
  yield* await byProgram(inPython)
}

async function* two(surroundings: Surroundings): AsyncGenerator<LockLane> {
  const seats = seatsOf(surroundings.placer)
  yield* byProcesses(2, seats, surroundings)
  yield* await ours(surroundings.missing, ({ straitByThreads }) => straitByThreads(seats))
  yield await atomicsContest(seats)
}

async function* crowd(surroundings: Surroundings): AsyncGenerator<LockLane> {
  yield* byProcesses(surroundings.crowd, seatsOf(surroundings.placer), surroundings)
}

/** Of two sides; none where the kernel chooses. */
function seatsOf({ placement, cores, ends }: Placer): Seat[] {
  if (ends === undefined) return []
  const found = placement === 'same-core' ? [ends.here] : cores
  return [ends.here, ends.peer].map((core) => ({ found, core }))
}

/** Nothing where there is no addon; whatever else is amiss with ours is an error. */
async function ours(
  missing: Set<string>,
  open: (lanes: typeof import('./strait-lanes.js')) => LockLane[] | Promise<LockLane[]>,
): Promise<LockLane[]> {
  if (supported) return open(await import('./strait-lanes.js'))
  missing.add('Mutex: the native addon is not built')
  return []
}

async function* byProcesses(
  sides: number,
  seats: readonly Seat[],
  { program, missing }: Surroundings,
): AsyncGenerator<LockLane> {
  const cores = seats.map(({ core }) => core)
  const byProgram = (lock: LockProgram) =>
    ifThere(lock.name, missing, async () => [await contestByProgram(lock, sides, cores)])
  if (program !== undefined) yield* await byProgram(inC(program, 'robust'))
  yield* await ours(missing, ({ straitByProcesses }) => straitByProcesses(sides, seats))
  yield* await byProgram(inPython)
}

/** By two threads: more than one process cannot wait with `Atomics`. */
async function atomicsContest(seats: readonly Seat[]): Promise<LockLane> {
  const [lock, counter] = [new SharedArrayBuffer(4), new SharedArrayBuffer(4)]
  const module = new URL('./atomics-side.js', import.meta.url)
  const opening = [0, 1].map((side) =>
    sideInThread('Atomics', module, { seat: seats[side], lock, counter } satisfies AtomicsSideData),
  )
  const team = await Team.start('Atomics', opening, new Uint32Array(counter))
  return team.lane('lockSync')
}

/** Nothing where it is not there, and why it is not. */
async function ifThere(
  name: string,
  missing: Set<string>,
  open: () => Promise<LockLane[]>,
): Promise<LockLane[]> {
  try {
    return await open()
  } catch (error) {
    missing.add(`${name}: ${(error as Error).message}`)
    return []
  }
}
