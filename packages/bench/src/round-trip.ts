import { now } from './clock.js'
import { Histogram } from './histogram.js'
import { cpuTime, type Lane } from './lane.js'
import { readPayload, writeQuestion } from './payload.js'

/** Round trips of one stretch. */
export interface RoundTrips {
  readonly durations: Histogram
  /** CPU time of both processes, in ns; undefined where the kernel does not count it. */
  readonly cpuNs: number | undefined
}

/** When a stretch is long enough: all that is given must be reached. */
export interface Enough {
  readonly rounds?: number
  readonly ms?: number
}

/**
 * Makes round trips, one at a time. The clock is read before the question is sent and after the answer has come;
 * writing and checking the payload lies outside.
 */
export async function roundTrips(lane: Lane, { rounds = 1, ms = 0 }: Enough): Promise<RoundTrips> {
  const durations = new Histogram()
  const message = new Uint8Array(lane.payloadBytes)
  const cpuBefore = cpuTime([lane])
  const end = now() + BigInt(Math.round(ms * 1e6))
  let after: bigint
  let count = 0
  do {
    writeQuestion(message, ++count)
    const before = now()
    const answer = await lane.ask(message)
    after = now()
    durations.record(after - before)
    if (readPayload(answer, message.length) !== (count & 0x7f)) {
      throw new Error(`${lane.name}: an answer to another question`)
    }
  } while (count < rounds || after < end)
  const cpuAfter = cpuTime([lane])
  const counted = cpuBefore !== undefined && cpuAfter !== undefined
  return { durations, cpuNs: counted ? cpuAfter - cpuBefore : undefined }
}
