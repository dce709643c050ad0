/**
 * How the rounds follow each other.
 *
 * - `hot`: the next question follows the last answer at once.
 * - `parked`: before each question there is a pause, so that both ends sleep when it comes.
 * - `sync`: as hot, and both ends block their threads, with `sendSync` and `receiveSync`.
 * - `leased`: as hot, and messages are written and read in place, with `claim` and `receiveLease`.
 */
export const modes = ['hot', 'parked', 'sync', 'leased'] as const
export type Mode = (typeof modes)[number]

/** The pause of `parked`, in ms: a multiple of the time that an adaptive waiter polls, which is about 0.2 ms. */
export const PAUSE_MS = 3

/** How an end waits for messages in shared memory. */
export const waitStrategies = ['spin', 'adaptive', 'park'] as const
export type WaitStrategy = (typeof waitStrategies)[number]

/** What stands in the address, or is the default there; null for transports that have no choice. */
export function waitStrategyOf(url: string): WaitStrategy | null {
  if (!url.startsWith('shm:')) return null
  const chosen = new URL(url).searchParams.get('wait')
  return waitStrategies.find((strategy) => strategy === chosen) ?? 'adaptive'
}
