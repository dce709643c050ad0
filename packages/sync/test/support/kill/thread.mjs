// A thread of an actor, in the same region with an attachment of its own.
import { parentPort, workerData } from 'node:worker_threads'
import { world } from './world.mjs'

world.enter(workerData.region)
await new Function(`return ${workerData.source}`)()(world)
parentPort.postMessage('ready')
setInterval(() => {}, 1e6)
