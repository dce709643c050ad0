import { setTimeout as sleep } from 'node:timers/promises'
import { now } from './clock.js'
import type { Histogram } from './histogram.js'
import { cpuTime, type Lane, type SyncLane } from './lane.js'
import type { Pause } from './mode.js'
import { readAnswer, writeQuestion } from './payload.js'
import { Rounds } from './rounds.js'

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

/** How a stretch is made. */
export interface Stretch extends Enough {
  /** Before each question. Default: none. */
  readonly pause?: Pause | undefined
}

/** Makes round trips, one at a time. */
export async function roundTrips(lane: Lane, stretch: Stretch): Promise<RoundTrips> {
  const rounds = new Rounds()
  const cpuBefore = cpuTime([lane])
  await makeRounds(lane, stretch, rounds)
  const cpuAfter = cpuTime([lane])
  const counted = cpuBefore !== undefined && cpuAfter !== undefined
  return { durations: rounds.durations(), cpuNs: counted ? cpuAfter - cpuBefore : undefined }
}

/**
 * Makes round trips and writes them down. The clock is read before the question is sent and after the answer has come;
 * writing and checking the payload lies outside.
 */
export async function makeRounds(lane: Lane, stretch: Stretch, rounds: Rounds): Promise<void> {
  try {
    if (lane.sync === undefined) await makeAsyncRounds(lane, stretch, rounds)
    else makeSyncRounds(lane.sync, lane.payloadBytes, stretch, rounds)
  } catch (cause) {
    throw new Error(`${lane.name}: ${(cause as Error).message}`, { cause })
  }
}

async function makeAsyncRounds(lane: Lane, stretch: Stretch, rounds: Rounds): Promise<void> {
  const { rounds: wanted = 1, ms = 0, pause } = stretch
  const message = new Uint8Array(lane.payloadBytes)
  const end = now() + ms * 1e6
  let count = 0
  let after: number
  do {
    if (pause !== undefined) await spend(pause)
    writeQuestion(message, ++count)
    const before = now()
    const answer = await lane.ask(message)
    after = now()
    rounds.add(before, after)
    readAnswer(answer, message.length, count)
  } while (count < wanted || after < end)
}

async function spend({ us, how }: Pause): Promise<void> {
  if (how === 'asleep') return sleep(us / 1000)
  const end = now() + us * 1000
  while (now() < end);
}

function makeSyncRounds(lane: SyncLane, payloadBytes: number, stretch: Enough, rounds: Rounds): void {
  const { rounds: wanted = 1, ms = 0 } = stretch
  const message = new Uint8Array(payloadBytes)
  const end = now() + ms * 1e6
  let count = 0
  let after: number
  do {
    writeQuestion(message, ++count)
    const before = now()
    const answer = lane.ask(message)
    after = now()
    rounds.add(before, after)
    readAnswer(answer, message.length, count)
  } while (count < wanted || after < end)
}
