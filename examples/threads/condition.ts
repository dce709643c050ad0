import { isMainThread, workerData } from 'node:worker_threads'
import { Condition, Mutex, type SharedPrimitive } from '@strait/sync'
import { crew } from './crew.js'

const CAPACITY = 8
const PRODUCERS = 2
const CONSUMERS = 2
const ITEMS = 500 // of each producer, and of each consumer

// The buffer: how many are in it, where the next is read and written, the most there ever were, the sum of what came
// out, and then the slots.
const COUNT = 0
const READ = 1
const WRITE = 2
const MOST = 3
const SUM = 4
const SLOTS = 5

interface Shared {
  index: number
  buffer: Int32Array
  mutex: SharedPrimitive
  notFull: SharedPrimitive
  notEmpty: SharedPrimitive
}

/** A bounded buffer: who finds it full, or empty, waits for a change. */
export async function condition() {
  const buffer = new Int32Array(new SharedArrayBuffer((SLOTS + CAPACITY) * 4))
  const mutex = new Mutex()
  const notFull = new Condition(mutex, { name: 'not-full' })
  const notEmpty = new Condition(mutex, { name: 'not-empty' })
  const shared = { buffer, mutex: mutex.share(), notFull: notFull.share(), notEmpty: notEmpty.share() }
  await crew(import.meta.url, PRODUCERS + CONSUMERS, (index): Shared => ({ ...shared, index }))
  const items = PRODUCERS * ITEMS
  return {
    items,
    capacity: CAPACITY,
    most: buffer[MOST]!,
    left: buffer[COUNT]!,
    sum: buffer[SUM]!,
    expected: (items * (items + 1)) / 2,
  }
}

async function work({ buffer, index, ...shared }: Shared): Promise<void> {
  const mutex = Mutex.from(shared.mutex)
  const notFull = Condition.from(shared.notFull, mutex)
  const notEmpty = Condition.from(shared.notEmpty, mutex)

  async function put(item: number): Promise<void> {
    using guard = await mutex.lock()
    await notFull.waitFor(guard, () => buffer[COUNT]! < CAPACITY)
    buffer[SLOTS + buffer[WRITE]!] = item
    buffer[WRITE] = (buffer[WRITE]! + 1) % CAPACITY
    buffer[COUNT]!++
    buffer[MOST] = Math.max(buffer[MOST]!, buffer[COUNT]!)
    notEmpty.notify()
  }

  async function take(): Promise<void> {
    using guard = await mutex.lock()
    await notEmpty.waitFor(guard, () => buffer[COUNT]! > 0)
    buffer[SUM]! += buffer[SLOTS + buffer[READ]!]!
    buffer[READ] = (buffer[READ]! + 1) % CAPACITY
    buffer[COUNT]!--
    notFull.notify()
  }

  for (let item = 1; item <= ITEMS; item++) {
    await (index < PRODUCERS ? put(index * ITEMS + item) : take())
  }
}

if (!isMainThread) await work(workerData)

export function tellCondition(told: Awaited<ReturnType<typeof condition>>): string[] {
  const { items, capacity, most, sum, expected, left } = told
  return [
    `${items} items went through a buffer of ${capacity}; at most ${most} were in it, ${left} are left`,
    `their sum is ${sum}, and should be ${expected}`,
  ]
}
