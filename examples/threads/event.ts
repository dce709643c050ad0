import { isMainThread, workerData } from 'node:worker_threads'
import { Event, Semaphore, type SharedPrimitive } from '@strait/sync'
import { crew } from './crew.js'

const RUNNERS = 4

interface Shared {
  gone: Int32Array
  ready: SharedPrimitive
  gun: SharedPrimitive
}

/** A starting gun. */
export async function event() {
  const gone = new Int32Array(new SharedArrayBuffer(4))
  const ready = new Semaphore(0)
  const gun = new Event()
  const data: Shared = { gone, ready: ready.share(), gun: gun.share() }
  const race = crew(import.meta.url, RUNNERS, () => data)
  // A permit for each who is ready, taken for good.
  for (let runners = 0; runners < RUNNERS; runners++) (await ready.acquire()).forget()
  const before = Atomics.load(gone, 0)
  gun.set()
  await race
  await gun.wait() // stays set until somebody clears it: who comes late does not wait
  return { runners: RUNNERS, before, after: Atomics.load(gone, 0), isSet: gun.isSet }
}

async function work({ gone, ready, gun }: Shared): Promise<void> {
  const shot = Event.from(gun)
  Semaphore.from(ready).release()
  await shot.wait()
  Atomics.add(gone, 0, 1)
}

if (!isMainThread) await work(workerData)

export function tellEvent({ runners, before, after }: Awaited<ReturnType<typeof event>>): string[] {
  return [
    `${runners} runners are ready, ${before} have gone`,
    `after the shot ${after} have gone; who comes late does not wait`,
  ]
}
