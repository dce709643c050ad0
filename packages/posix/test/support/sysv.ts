import { SysvMessageQueue, SysvSharedMemory } from '../../src/index.js'

let next = (process.pid << 8) & 0x7fffffff || 1
const used: number[] = []

/** A key that nobody uses: queues and memory have keys of their own. */
export function freshKey(): number {
  used.push(next)
  return next++
}

/** Removes what tests have left with those keys. */
export function unlinkKeys(): void {
  for (const key of used.splice(0)) {
    SysvMessageQueue.unlink(key)
    SysvSharedMemory.unlink(key)
  }
}
