import { Histogram, peerLane, roundTrips } from '@strait/bench'
import { json, type SpawnedPeer, schemeOf, spawnPeer, typed } from 'strait'
import { Failure } from '../exit.js'
import { missingWorkers, sharedWorkers, wrongResult } from './check.js'
import type { Hello, Job, Result } from './protocol.js'

const WORKER = new URL('./worker.js', import.meta.url)

/** Size of the messages that measure the round trip, in bytes. */
export const PAYLOAD_BYTES = 64

/** Rounds per worker: enough for a p99 over all of them, and for its code to be compiled before. */
const WARM_UP_ROUNDS = 300
const ROUNDS = 300

/** What one transport did. */
export interface FibRow {
  readonly url: string
  readonly scheme: string
  readonly jobs: readonly FinishedJob[]
  /** From sending the first job until the last result has come. */
  readonly wallMs: number
  /** Of all workers together. */
  readonly rttNs: { readonly p50: number; readonly p99: number }
}

export interface FinishedJob extends Hello, Job, Result {
  /** From sending the job until its result has come. */
  readonly ms: number
}

export interface FibRun {
  readonly row: FibRow
  /** What is wrong with it; empty is good. */
  readonly problems: readonly string[]
}

/** What a run is doing now. */
export type Phase = 'starting' | 'measuring' | 'working'

/**
 * Gives each number to a worker of its own: all are alive before the first job is sent, and all have ended when the
 * promise settles. Round trips are measured one worker after another, while the others sleep.
 */
export async function runFib(
  url: string,
  numbers: readonly number[],
  onPhase: (phase: Phase) => void,
): Promise<FibRun> {
  onPhase('starting')
  const peers = await startAll(url, numbers.length)
  try {
    const workers = peers.map(({ channel }) => typed<Job, Hello & Result>(channel, json))
    const hellos: Hello[] = await Promise.all(workers.map(async (worker) => present(await worker.receive())))

    onPhase('measuring')
    const durations = new Histogram()
    for (const peer of peers) {
      const lane = peerLane(peer, PAYLOAD_BYTES)
      await roundTrips(lane, { rounds: WARM_UP_ROUNDS })
      durations.add((await roundTrips(lane, { rounds: ROUNDS })).durations)
      await peer.channel.send(new Uint8Array(0))
    }

    onPhase('working')
    const problems = [...missingWorkers(peers), ...sharedWorkers(hellos, staysHere(peers))]
    const start = performance.now()
    const jobs = await Promise.all(
      numbers.map(async (n, index): Promise<FinishedJob> => {
        const worker = workers[index]!
        const sent = performance.now()
        await worker.send({ n })
        const { value } = present(await worker.receive())
        return { ...hellos[index]!, n, value, ms: rounded(performance.now() - sent) }
      }),
    )
    const wallMs = rounded(performance.now() - start)
    const { p50, p99 } = durations.quantiles()
    const row: FibRow = { url, scheme: schemeOf(url, 'fib'), jobs, wallMs, rttNs: { p50, p99 } }
    return { row, problems: [...problems, ...jobs.flatMap(wrongResult)] }
  } finally {
    await Promise.all(peers.map((peer) => peer.close()))
  }
}

/** Starts the workers at once. When one cannot start, none stays. */
async function startAll(url: string, count: number): Promise<SpawnedPeer[]> {
  const starting = Array.from({ length: count }, () => spawnPeer(url, WORKER))
  const started = await Promise.allSettled(starting)
  const peers = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = started.find((outcome) => outcome.status === 'rejected')
  if (failed === undefined) return peers
  await Promise.all(peers.map((peer) => peer.close()))
  throw failed.reason
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Failure('a worker ended before its work was done')
  return value
}

function staysHere(peers: readonly SpawnedPeer[]): boolean {
  return peers.every(({ process, thread }) => process === undefined && thread === undefined)
}

/** A ms figure with µs. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
