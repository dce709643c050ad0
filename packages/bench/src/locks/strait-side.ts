import { isMainThread, workerData } from 'node:worker_threads'
import { SharedMemory } from '@strait/posix'
import { Mutex, Region, type SharedPrimitive } from '@strait/sync'
import { type Seat, seated, takePart } from './side.js'

export interface StraitSideData {
  readonly seat: Seat | undefined
  readonly mutex: SharedPrimitive
  readonly counter: SharedArrayBuffer
}

/** What a process inherits; the counter stands behind the region. */
const MEMORY = 4

if (isMainThread) {
  const seat = JSON.parse(process.argv[2] ?? 'null') as Seat | null
  const memory = SharedMemory.fromDescriptor(MEMORY)
  const mutex = seated(seat ?? undefined, () => new Mutex({ region: Region.over(memory) }))
  takePart(mutex, memory.view(Uint32Array, Region.size, 1))
} else {
  const { seat, mutex, counter } = workerData as StraitSideData
  takePart(
    seated(seat, () => Mutex.from(mutex)),
    new Uint32Array(counter),
  )
}
