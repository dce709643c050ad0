import { type MessagePort, workerData } from 'node:worker_threads'
import { isQuestion, readPayload, writePayload } from '../payload.js'
import { ownTid } from '../placement.js'

const port: MessagePort = workerData
let answer = new Uint8Array(0)
port.postMessage(ownTid())
port.on('message', (message: Uint8Array) => {
  const byte = readPayload(message, message.length)
  if (!isQuestion(byte)) return
  if (answer.length !== message.length) answer = new Uint8Array(message.length)
  writePayload(answer, byte)
  port.postMessage(answer)
})
