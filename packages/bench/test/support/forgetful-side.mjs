// A side whose lock loses one of the sections that it guards.
import { workerData } from 'node:worker_threads'
import { takePart } from '../../dist/locks/side.js'

const counter = new Uint32Array(workerData)
let forgotten = false
const lock = {
  lockSync: () => lock,
  release() {
    if (!forgotten) counter[0]--
    forgotten = true
  },
}
takePart(lock, counter)
