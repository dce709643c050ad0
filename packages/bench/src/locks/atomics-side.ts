import { workerData } from 'node:worker_threads'
import { AtomicsLock } from './atomics-lock.js'
import { type Seat, seated, takePart } from './side.js'

export interface AtomicsSideData {
  readonly seat: Seat | undefined
  readonly lock: SharedArrayBuffer
  readonly counter: SharedArrayBuffer
}

const { seat, lock, counter } = workerData as AtomicsSideData
takePart(
  seated(seat, () => new AtomicsLock(lock)),
  new Uint32Array(counter),
)
