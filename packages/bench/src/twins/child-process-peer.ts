import { Responder } from '../payload.js'

const responder = new Responder()
process.on('message', (message: Uint8Array) => {
  const answer = responder.answer(message)
  if (answer !== undefined) process.send!(answer)
})
