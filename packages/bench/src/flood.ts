import { now } from './clock.js'
import type { Lane } from './lane.js'
import { readAnswer, writeQuestion } from './payload.js'
import type { Moved } from './throughput.js'

/** A lane that takes further questions while others wait for their answers. */
export type FloodLane = Pick<Lane, 'name' | 'payloadBytes' | 'send'> & Required<Pick<Lane, 'receive'>>

export function canFlood(lane: Lane): lane is Lane & FloodLane {
  return lane.receive !== undefined && lane.sync === undefined && lane.sendInPlace === undefined
}

const WINDOW_MESSAGES = 64
const WINDOW_BYTES = 64 * 1024

/** How many questions may be under way: two at least, for with one the ends would take turns. */
export const windowOf = (payloadBytes: number): number =>
  Math.max(2, Math.min(WINDOW_MESSAGES, Math.floor(WINDOW_BYTES / Math.max(1, payloadBytes))))

/** What one stretch moved each way, and how much of it over each lane. */
export interface Flooded extends Moved {
  readonly shares: readonly number[]
}

/**
 * Asks over all lanes at once, for at least so many ms, without waiting for answers while fewer questions than a window
 * are under way, so that both ends send at the same time. The time ends with the last answer; each is checked.
 */
export async function flood(lanes: readonly FloodLane[], ms: number): Promise<Flooded> {
  const start = now()
  const span: Span = { end: start + ms * 1e6 }
  const shares = await Promise.all(lanes.map((lane) => floodOne(lane, span)))
  const ns = now() - start
  return { messages: shares.reduce((sum, share) => sum + share, 0), ns, shares }
}

/** Ends at once for all lanes when one has failed. */
interface Span {
  end: number
}

async function floodOne(lane: FloodLane, span: Span): Promise<number> {
  const size = lane.payloadBytes
  const window = windowOf(size)
  const message = new Uint8Array(size)
  let [asked, answered] = [0, 0]
  let last = Number.POSITIVE_INFINITY
  let wake = () => {}

  async function ask(): Promise<void> {
    while (asked < last) {
      while (asked - answered >= window) await new Promise<void>((resolve) => (wake = resolve))
      if (now() >= span.end) last = asked + 1
      writeQuestion(message, ++asked)
      const room = lane.send(message)
      if (room !== undefined) await room
    }
  }

  async function read(): Promise<void> {
    while (answered < last) {
      const answer = lane.receive()
      readAnswer(answer instanceof Promise ? await answer : answer, size, answered + 1)
      answered++
      wake()
    }
  }

  try {
    await Promise.all([ask(), read()])
  } catch (cause) {
    span.end = 0
    throw new Error(`${lane.name}: ${(cause as Error).message}`, { cause })
  }
  return answered
}
