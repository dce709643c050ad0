import { isMainThread, workerData } from 'node:worker_threads'
import { Event, Semaphore, type SharedPrimitive } from '@strait/sync'
import { crew } from './crew.js'

const THREADS = 4
const TASKS = 5 // of each thread
const PERMITS = 3

interface Shared {
  inside: Int32Array
  asThe: Int32Array
  room: SharedPrimitive
  full: SharedPrimitive
}

/** A room that lets three in. */
export async function semaphore() {
  const inside = new Int32Array(new SharedArrayBuffer(4))
  /** How often somebody came in and was then the first, the second, the third, … who is there. */
  const asThe = new Int32Array(new SharedArrayBuffer((THREADS * TASKS + 1) * 4))
  const room = new Semaphore(PERMITS)
  const full = new Event()
  const data: Shared = { inside, asThe, room: room.share(), full: full.share() }
  await crew(import.meta.url, THREADS, () => data)
  return {
    tasks: THREADS * TASKS,
    permits: PERMITS,
    visits: asThe.reduce((sum, times) => sum + times),
    greatest: asThe.reduce((greatest, times, number) => (times > 0 ? number : greatest), 0),
  }
}

async function work({ inside, asThe, ...shared }: Shared): Promise<void> {
  const room = Semaphore.from(shared.room)
  const full = Event.from(shared.full)
  const visit = async () => {
    using _permit = await room.acquire()
    const number = Atomics.add(inside, 0, 1) + 1
    Atomics.add(asThe, number, 1)
    if (number === PERMITS) full.set()
    await full.wait() // the first three wait for each other: it does let three in
    Atomics.sub(inside, 0, 1)
  }
  await Promise.all(Array.from({ length: TASKS }, visit))
}

if (!isMainThread) await work(workerData)

export function tellSemaphore({ tasks, visits, greatest }: Awaited<ReturnType<typeof semaphore>>): string[] {
  return [`${visits} of ${tasks} tasks were in the room; at most ${greatest} at once`]
}
