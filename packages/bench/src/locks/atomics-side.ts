import { workerData } from 'node:worker_threads'
import { bindSelf } from '../placement.js'
import { AtomicsLock } from './atomics-lock.js'
import { takePart } from './side.js'

export interface AtomicsSideData {
  readonly core: number | undefined
  readonly lock: SharedArrayBuffer
  readonly counter: SharedArrayBuffer
}

const { core, lock, counter } = workerData as AtomicsSideData
if (core !== undefined) bindSelf(core)
takePart(new AtomicsLock(lock), new Uint32Array(counter))
