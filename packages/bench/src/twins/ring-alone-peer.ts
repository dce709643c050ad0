import { SharedMemory } from '@strait/posix'
import { Responder } from '../payload.js'
import { BareRing } from './bare-ring.js'

const memory = SharedMemory.fromDescriptor(3)
const capacity = Number(process.argv[2])
const ring = new BareRing({ memory, capacity, bell: 4, first: false, peer: process.ppid })
const responder = new Responder()
for (let message = ring.receive(); message !== undefined; message = ring.receive()) {
  const answer = responder.answer(message)
  if (answer !== undefined) ring.send(answer)
}
