import { type MessagePort, workerData } from 'node:worker_threads'
import { Responder } from '../payload.js'
import { ownTid } from '../placement.js'

const port: MessagePort = workerData
const responder = new Responder()
port.postMessage(ownTid())
port.on('message', (message: Uint8Array) => {
  const answer = responder.answer(message)
  if (answer !== undefined) port.postMessage(answer)
})
