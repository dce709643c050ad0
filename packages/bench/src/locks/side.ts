import { isMainThread, parentPort } from 'node:worker_threads'
import { bindSelf } from '../placement.js'
import { contend, type Lockable, type Order } from './contend.js'

/** Where a side runs. */
export interface Seat {
  /** Among these cores it finds its lock, which looks how many there are: on one alone it would not pay to spin. */
  readonly found: readonly number[]
  /** On this one it runs the sections. */
  readonly core: number
}

/** What `find` finds from a seat; without one the kernel chooses. */
export function seated<T>(seat: Seat | undefined, find: () => T): T {
  if (seat === undefined) return find()
  bindSelf(seat.found)
  const found = find()
  bindSelf([seat.core])
  return found
}

/** A side of a contest, in a process or a thread of its own: says that it is there, and does what it is told. */
export function takePart(lock: Lockable, counter: Uint32Array): void {
  // A bench that is gone wants no answer.
  const answer = (message: unknown) =>
    isMainThread ? process.send!(message, () => {}) : parentPort!.postMessage(message)
  const onOrder = async (order: Order) => answer(await contend(lock, counter, order))
  if (isMainThread) process.on('message', onOrder).on('disconnect', () => process.exit())
  else parentPort!.on('message', onOrder)
  answer('ready')
}
