import { now } from './clock.js'
import type { Lane } from './lane.js'
import { readAnswer, writePayload, writeQuestion } from './payload.js'

/**
 * How many messages go before the clock is looked at. Of large ones fewer, but enough that the answer at the end, which
 * is as large, hardly counts.
 */
const messagesPerLook = (size: number) => (size < 1024 * 1024 ? 64 : 16)

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
  const size = lane.payloadBytes
  const message = new Uint8Array(size)
  // Empty messages cannot say that they want no answer: what goes before and behind them does.
  const first = size === 0 ? new Uint8Array(1) : message
  const perLook = messagesPerLook(size)
  const start = now()
  const end = start + ms * 1e6
  let messages = 0
  if (size === 0) await sendOne(lane, first)
  const write = (room: Uint8Array) => writePayload(room, messages)
  do {
    if (lane.sendInPlace !== undefined) {
      for (let count = 0; count < perLook; count++) {
        messages++
        const room = lane.sendInPlace(write)
        if (room !== undefined) await room
      }
    } else if (lane.sync === undefined) {
      for (let count = 0; count < perLook; count++) {
        writePayload(message, ++messages)
        const room = lane.send(message)
        if (room !== undefined) await room
      }
    } else {
      for (let count = 0; count < perLook; count++) {
        writePayload(message, ++messages)
        lane.sync.send(message)
      }
    }
  } while (now() < end)
  writeQuestion(first, ++messages)
  const answer = lane.sync === undefined ? await lane.ask(first) : lane.sync.ask(first)
  const ns = now() - start
  readAnswer(answer, first.length, messages)
  return { messages, ns }
}

async function sendOne(lane: Lane, message: Uint8Array): Promise<void> {
  if (lane.sync !== undefined) lane.sync.send(message)
  else await lane.send(message)
}
