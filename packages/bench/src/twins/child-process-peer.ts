import type { Serializable } from 'node:child_process'
import { Responder } from '../payload.js'
import { serializations } from './serializations.js'

/** Argument: the serialization. */
const { toValue, fromValue } = serializations[process.argv[2] as keyof typeof serializations]
const responder = new Responder()
process.on('message', (message: Serializable) => {
  const answer = responder.answer(fromValue(message))
  if (answer !== undefined) process.send!(toValue(answer))
})
