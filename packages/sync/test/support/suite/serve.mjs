import { openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { SharedMemory } from '@strait/posix'
import * as sync from '@strait/sync'
import { Actor, blocks, report } from './actor.mjs'
import { kindsOf } from './mutants.mjs'

// An actor in a thread or process of its own: requests come in by the channel that Node gives to either, and go back as
// "begun" once the call has been made, and "settled".

const { memory, keeps, mutant } = workerData ?? JSON.parse(process.argv[2])
const post =
  parentPort === null ? (message) => process.send(message) : (message) => parentPort.postMessage(message)
const port = parentPort ?? process
const words = new Int32Array(SharedMemory.fromDescriptor(openSync(memory, 'r+')).bytes.buffer)

let region
let actor

const REGIONS = {
  shared: (from) => sync.Region.from(from),
  name: (name) => sync.Region.open(name),
  descriptor: (descriptor) => sync.Region.from({ descriptor }),
  memory: (descriptor) => sync.Region.over(SharedMemory.fromDescriptor(descriptor)),
}

const hosting = {
  enter: (kind, from) => {
    if (!keeps || region === undefined) region = REGIONS[kind](from)
    actor = new Actor(kindsOf(sync, mutant), region, words)
  },
  leave: () => {
    actor.perform({ verb: 'reset', args: [] })
    if (!keeps) actor.perform({ verb: 'closeRegion', args: [] })
  },
}

port.on('message', async (request) => {
  const { id, verb, args } = request
  const begun = () => post({ id, event: 'begun' })
  try {
    if (blocks(request)) begun()
    const settled = hosting[verb] === undefined ? actor.perform(request) : hosting[verb](...args)
    if (!blocks(request)) begun()
    post({ id, event: 'settled', result: await settled })
  } catch (error) {
    post({ id, event: 'settled', error: report(error) })
  }
})
process.on('disconnect', () => process.exit(0))
post({ event: 'ready' })
