import type { World } from '../actor.js'
import type { Cast } from '../cast.js'

/** So many deaths were told to who took the mutex, and to who took the right to write. */
export interface Told {
  readonly mutex?: number
  readonly write?: number
}

/** A play in which one is killed. */
export interface Scenario {
  readonly name: string
  /** Where it can be killed: points that it comes by; `point:2` is the second time. */
  readonly points: readonly string[]
  /** Unless told, all three enter the region: a, b, and the victim. */
  readonly before?: (cast: Cast) => Promise<void>
  /** What the victim does once it has been told where to stop; nothing: its keeper does. */
  readonly does?: (world: World, region: string) => unknown
  /**
   * What the others do meanwhile and afterwards, and what must come of it. It waits for nothing that the victim must do
   * but by `cast.until` and `cast.death`.
   */
  readonly others?: (cast: Cast) => Promise<Told>
  /** How many permits there may be afterwards; 2 unless told. */
  readonly permits?: readonly number[]
  /** The deaths that are told wherever it is killed; otherwise the one of which the region says so as it stops. */
  readonly deaths?: Required<Told>
  /** The victim is the only one in the region; the others enter it when it is dead. */
  readonly alone?: boolean
}

/** How many of the promises come to `true`. */
export const count = async (...told: readonly Promise<boolean>[]): Promise<number> =>
  (await Promise.all(told)).filter(Boolean).length

/** What whoever waits comes by, */
export const QUEUEING = [
  'monitorEnter',
  'waitAllocated',
  'waitQueued',
  'monitorLeave',
  'releaseLeft',
] as const
/** and when it is told that it may take what it has waited for, */
export const SERVED = ['monitorEnter:2', 'drainTaken', 'monitorLeave:2', 'releaseLeft:2'] as const
/** and when it gives that back. */
export const RELEASING = ['releaseStarted', 'releaseFreed', 'releaseOffered'] as const

/** Somebody has taken it before. */
export const aHolds = (hold: (world: World) => Promise<void>) => async (cast: Cast) => {
  await cast.enter(cast.a, cast.b, cast.victim)
  await cast.a.run(hold)
}

/** The victim waits for what a has, b behind it, and then a gives it back. What comes of b. */
export async function handOver<T>(
  cast: Cast,
  name: string,
  next: (world: World) => Promise<T>,
  giveBack: (world: World) => void,
): Promise<T> {
  const { a, b, victim, view } = cast
  await cast.until('the victim waits', () => view.waiting(name, victim.pid) === 1)
  const outcome = b.run(next)
  outcome.catch(() => {})
  await cast.until('b waits', () => view.waiting(name, b.pid) === 1)
  await a.run(giveBack)
  return await outcome
}

/** Both wait for it when the victim comes. */
export async function bothWait(cast: Cast, name: string, start: (world: World) => void): Promise<void> {
  const { a, b, victim } = cast
  await cast.enter(a, b, victim)
  for (const actor of [a, b]) await actor.run(start)
  await cast.until(`both wait for the ${name}`, () => cast.view.waiting(name) === 2)
}
