import { isMainThread, parentPort } from 'node:worker_threads'
import { contend, type Lockable, type Order } from './contend.js'

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
