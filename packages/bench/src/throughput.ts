import { now } from './clock.js'
import type { Lane } from './lane.js'
import { readPayload, writePayload, writeQuestion } from './payload.js'

/** How many messages go before the clock is looked at. */
const MESSAGES_PER_LOOK = 64

/** What one stretch moved. */
export interface Moved {
  readonly messages: number
  readonly ns: number
}

/**
 * Sends one way for at least so many ms, as fast as the lane takes it. The time ends when the peer, which reads every
 * message, has answered the last.
 */
export async function throughput(lane: Lane, ms: number): Promise<Moved> {
  const message = new Uint8Array(lane.payloadBytes)
  const start = now()
  const end = start + BigInt(Math.round(ms * 1e6))
  let messages = 0
  do {
    for (let count = 0; count < MESSAGES_PER_LOOK; count++) {
      writePayload(message, ++messages)
      const room = lane.send(message)
      if (room !== undefined) await room
    }
  } while (now() < end)
  writeQuestion(message, ++messages)
  const answer = await lane.ask(message)
  const ns = Number(now() - start)
  if (readPayload(answer, message.length) !== (messages & 0x7f)) {
    throw new Error(`${lane.name}: an answer to another question`)
  }
  return { messages, ns }
}
