/**
 * How the rounds follow each other.
 *
 * - `hot`: the next question follows the last answer at once.
 * - `paced`: before each question the asker computes for 100 µs, in which its peer has nothing to do.
 * - `parked`: before each question nobody has anything to do for 10 ms, so that both ends sleep when it comes.
 * - `sync`: as hot, and both ends block their threads, with `sendSync` and `receiveSync`.
 * - `leased`: as hot, and messages are written and read in place, with `claim` and `receiveLease`.
 */
export const modes = ['hot', 'paced', 'parked', 'sync', 'leased'] as const
export type Mode = (typeof modes)[number]

/** What an asker does before each question. */
export interface Pause {
  readonly us: number
  /** It computes all the time, or its thread has nothing to do. */
  readonly how: 'busy' | 'asleep'
}

/**
 * Absent: the next question follows at once. An adaptive waiter polls for up to 150 µs before it parks, so in `paced` it
 * may still be awake when the question comes, and in `parked` it is not.
 */
export const pauses: Readonly<Partial<Record<Mode, Pause>>> = {
  paced: { us: 100, how: 'busy' },
  parked: { us: 10_000, how: 'asleep' },
}

/** How an end waits for messages in shared memory. */
export const waitStrategies = ['spin', 'adaptive', 'park'] as const
export type WaitStrategy = (typeof waitStrategies)[number]

/** What stands in the address, or is the default there; null for transports that have no choice. */
export function waitStrategyOf(url: string): WaitStrategy | null {
  if (!url.startsWith('shm:')) return null
  const chosen = new URL(url).searchParams.get('wait')
  return waitStrategies.find((strategy) => strategy === chosen) ?? 'adaptive'
}
