import { isMainThread, workerData } from 'node:worker_threads'
import { Barrier, Mutex, type SharedPrimitive } from '@strait/sync'
import { crew } from './crew.js'

const THREADS = 5
const TASKS = 1000 // of each thread
const expected = THREADS * TASKS * 2

interface Shared {
  number: Int32Array
  locked: boolean
  start: ReturnType<Barrier['share']>
  mutex: SharedPrimitive
}

/** What a task has to work out before it can write: long enough for others to come in between. */
const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
const one = () => (fib(16) === 1597 ? 1 : 0)

/** 5,000 tasks, each of which adds 1 twice to the same number. */
export async function counter() {
  return { tasks: THREADS * TASKS, expected, unlocked: await count(false), locked: await count(true) }
}

async function count(locked: boolean) {
  const number = new Int32Array(new SharedArrayBuffer(4))
  const start = new Barrier(THREADS)
  const mutex = new Mutex()
  const data: Shared = { number, locked, start: start.share(), mutex: mutex.share() }
  await crew(import.meta.url, THREADS, () => data)
  return { result: number[0]!, lost: expected - number[0]! }
}

async function work({ number, locked, start, ...shared }: Shared): Promise<void> {
  const mutex = Mutex.from(shared.mutex)
  // A read, an addition and a write: three steps, and between them the number is anybody's.
  const add = () => {
    const seen = number[0]!
    number[0] = seen + one()
  }
  const addLocked = async () => {
    using _guard = await mutex.lock()
    add()
  }
  const task = async () => {
    for (let times = 0; times < 2; times++) locked ? await addLocked() : add()
  }
  await Barrier.from(start).wait() // all begin together
  await Promise.all(Array.from({ length: TASKS }, task))
}

if (!isMainThread) await work(workerData)

export function tellCounter({
  tasks,
  expected,
  unlocked,
  locked,
}: Awaited<ReturnType<typeof counter>>): string[] {
  return [
    `${tasks} tasks in ${THREADS} threads add 1 twice: it should be ${expected}`,
    unlocked.lost > 0
      ? `without a lock it is ${unlocked.result}: ${unlocked.lost} updates were lost`
      : `without a lock it is ${unlocked.result}: none was lost this time, which was luck; run it again`,
    `with a Mutex it is ${locked.result}`,
  ]
}
