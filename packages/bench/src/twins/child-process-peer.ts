import { isQuestion, readPayload, writePayload } from '../payload.js'

let answer = new Uint8Array(0)
process.on('message', (message: Uint8Array) => {
  const byte = readPayload(message, message.length)
  if (!isQuestion(byte)) return
  if (answer.length !== message.length) answer = new Uint8Array(message.length)
  writePayload(answer, byte)
  process.send!(answer)
})
