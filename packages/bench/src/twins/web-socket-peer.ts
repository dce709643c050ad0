import { WebSocket } from 'ws'
import { isQuestion, readPayload, writePayload } from '../payload.js'

/** Argument: the port. */
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}`, { perMessageDeflate: false })
let answer = new Uint8Array(0)
socket.on('message', (message: Buffer) => {
  const byte = readPayload(message, message.length)
  if (!isQuestion(byte)) return
  if (answer.length !== message.length) answer = new Uint8Array(message.length)
  writePayload(answer, byte)
  socket.send(answer)
})
