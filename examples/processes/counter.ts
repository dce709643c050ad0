import { SharedMemory } from '@strait/posix'
import { Event, Mutex, Region, Semaphore } from '@strait/sync'
import { allEnd, start } from './crew.js'

const PROCESSES = 5
const TASKS = 1000 // of each process
const expected = PROCESSES * TASKS * 2

/** What a task has to work out before it can write: long enough for others to come in between. */
const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
const one = () => (fib(16) === 1597 ? 1 : 0)

// One memory without a name: first the locks, then the number.
const size = () => Region.size + 4
const numberIn = (memory: SharedMemory) => memory.view(Int32Array, Region.size, 1)
const locksIn = (region: Region) => ({
  ready: new Semaphore(0, { region, name: 'ready' }),
  go: new Event({ region, name: 'go' }),
  mutex: new Mutex({ region, name: 'number' }),
})

/** 5,000 tasks in processes, each of which adds 1 twice to the same number. */
export async function counter() {
  const [unlocked, locked] = [await count('unlocked'), await count('locked')]
  return { tasks: PROCESSES * TASKS, expected, unlocked, locked }
}

async function count(way: 'unlocked' | 'locked') {
  using memory = SharedMemory.anonymous(size(), { seals: ['shrink', 'grow'] })
  using region = Region.over(memory)
  const { ready, go } = locksIn(region)
  const children = Array.from({ length: PROCESSES }, () => start('counting', [way], [memory.descriptor]))
  const ended = allEnd(children)
  const allReady = async () => {
    for (let processes = 0; processes < PROCESSES; processes++) (await ready.acquire()).forget()
    go.set()
  }
  await Promise.all([allReady(), ended])
  const result = numberIn(memory)[0]!
  return { result, lost: expected - result }
}

/** In each of the processes. */
export async function counting(way = ''): Promise<void> {
  using memory = SharedMemory.fromDescriptor(3, { size: size(), seals: ['shrink'] })
  using region = Region.over(memory)
  const { ready, go, mutex } = locksIn(region)
  const number = numberIn(memory)
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
    for (let times = 0; times < 2; times++) way === 'locked' ? await addLocked() : add()
  }
  ready.release()
  await go.wait()
  await Promise.all(Array.from({ length: TASKS }, task))
}

export function tellCounter({
  tasks,
  expected,
  unlocked,
  locked,
}: Awaited<ReturnType<typeof counter>>): string[] {
  return [
    `${tasks} tasks in ${PROCESSES} processes add 1 twice: it should be ${expected}`,
    unlocked.lost > 0
      ? `without a lock it is ${unlocked.result}: ${unlocked.lost} updates were lost`
      : `without a lock it is ${unlocked.result}: none was lost this time, which was luck; run it again`,
    `with a Mutex it is ${locked.result}`,
  ]
}
