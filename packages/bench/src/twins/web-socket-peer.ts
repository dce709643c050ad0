import { WebSocket } from 'ws'
import { Responder } from '../payload.js'

/** Argument: the port. */
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}`, {
  perMessageDeflate: false,
  maxPayload: Number.MAX_SAFE_INTEGER,
})
const responder = new Responder()
socket.on('message', (message: Buffer) => {
  const answer = responder.answer(message)
  if (answer !== undefined) socket.send(answer)
})
