import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { now } from '../clock.js'
import { AtomicsLock } from './atomics-lock.js'
import type { PairLane } from './lane.js'

/** How many pairs go before the clock is looked at. */
const PAIRS_PER_LOOK = 1000

/** Locks and releases so often; each lane has a loop of its own, which is compiled for its lock alone. */
type Batch = (count: number) => void | Promise<void>

/** A lane in this thread. */
export function pairsHere(name: string, mode: string, batch: Batch, close = () => {}): PairLane {
  return {
    name,
    mode,
    pids: [],
    async pairs(ms) {
      const start = now()
      const end = start + ms * 1e6
      let count = 0
      let time: number
      do {
        const pending = batch(PAIRS_PER_LOOK)
        if (pending !== undefined) await pending
        count += PAIRS_PER_LOOK
        time = now()
      } while (time < end)
      return { count, ns: time - start }
    },
    close: async () => close(),
  }
}

export function atomicsPairs(): PairLane {
  const lock = new AtomicsLock(new SharedArrayBuffer(4))
  return pairsHere('Atomics', 'lockSync', (count) => {
    for (let at = 0; at < count; at++) lock.lockSync().release()
  })
}

/** What is used of `async-mutex`. */
interface AsyncMutex {
  acquire(): Promise<() => void>
  runExclusive(section: () => void): Promise<void>
}

/** For the tasks of one thread. It comes with a clone of the repository only. */
export async function asyncMutexPairs(): Promise<PairLane[]> {
  const path = createRequire(new URL('../../../../benchmarks/package.json', import.meta.url)).resolve(
    'async-mutex',
  )
  const { Mutex } = (await import(pathToFileURL(path).href)) as { Mutex: new () => AsyncMutex }
  const mutex = new Mutex()
  const section = () => {}
  return [
    pairsHere('async-mutex', 'acquire', async (count) => {
      for (let at = 0; at < count; at++) (await mutex.acquire())()
    }),
    pairsHere('async-mutex', 'runExclusive', async (count) => {
      for (let at = 0; at < count; at++) await mutex.runExclusive(section)
    }),
  ]
}
