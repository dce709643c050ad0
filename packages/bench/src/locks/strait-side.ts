import { isMainThread, workerData } from 'node:worker_threads'
import { SharedMemory } from '@strait/posix'
import { Mutex, Region, type SharedPrimitive } from '@strait/sync'
import { bindSelf } from '../placement.js'
import { takePart } from './side.js'

export interface StraitSideData {
  readonly core: number | undefined
  readonly mutex: SharedPrimitive
  readonly counter: SharedArrayBuffer
}

/** What a process inherits; the counter stands behind the region. */
export const MEMORY = 4

if (isMainThread) {
  const [, , core] = process.argv
  if (core !== undefined) bindSelf(Number(core))
  const memory = SharedMemory.fromDescriptor(MEMORY)
  takePart(new Mutex({ region: Region.over(memory) }), memory.view(Uint32Array, Region.size, 1))
} else {
  const { core, mutex, counter } = workerData as StraitSideData
  if (core !== undefined) bindSelf(core)
  takePart(Mutex.from(mutex), new Uint32Array(counter))
}
