import type { SharedMemory } from '@strait/posix'
import { json, type SpawnedPeer, StraitError, spawnPeer } from 'strait'
import { type Band, bands } from './canvas.js'
import { STEPS, type Step } from './filter.js'

/** The first message to a worker: where the picture is. */
export interface Place {
  readonly memory: string
  readonly width: number
  readonly height: number
}

/** Every other message to a worker. It answers each when it is done. */
export interface Job {
  readonly step: Step
  readonly band: Band
}

export interface Crew {
  /** Of the channels to the workers; see spawnPeer. */
  readonly url: string
  readonly size: number
  /** The number, from 1, of a worker that is killed while it works. */
  readonly kill?: number | undefined
}

export interface Report {
  readonly pids: readonly number[]
  /** From the first job's beginning to the last one's end. */
  readonly milliseconds: number
  /** All messages there and back had so many. */
  readonly bytes: number
}

/** Takes a picture through all steps. Afterwards no worker is left, and after an error neither. */
export async function work(memory: SharedMemory, width: number, height: number, crew: Crew): Promise<Report> {
  const peers = await startAll(crew)
  try {
    const workers = peers.map((peer, index) => new Worker(index + 1, peer))
    // It has no name; but whoever may look into this process can open it by the number that it has here.
    const path = `/proc/${process.pid}/fd/${memory.descriptor}`
    await Promise.all(workers.map((worker) => worker.ask({ memory: path, width, height })))

    const start = performance.now()
    for (const step of Object.keys(STEPS) as Step[]) {
      // Several bands for each, so that nobody waits long for one who is slow. All take from one iterator.
      const left = bands(height, crew.size * 8).values()
      const takeTurns = async (worker: Worker) => {
        for (const band of left) {
          const done = worker.ask({ step, band })
          if (worker.number === crew.kill && worker.answers > 1) worker.kill()
          await done
        }
      }
      // The barrier: nobody hears of the next step before this one is done everywhere.
      await Promise.all(workers.map(takeTurns))
    }
    const milliseconds = performance.now() - start

    await Promise.all(peers.map((peer) => peer.close()))
    const bytes = workers.reduce((sum, worker) => sum + worker.bytes, 0)
    return { pids: peers.map(({ pid }) => pid), milliseconds, bytes }
  } catch (error) {
    await killAll(peers)
    throw error
  }
}

class Worker {
  readonly number: number
  answers = 0
  /** Of all messages so far. */
  bytes = 0
  readonly #peer: SpawnedPeer

  constructor(number: number, peer: SpawnedPeer) {
    this.number = number
    this.#peer = peer
  }

  /** Resolves when the worker says that it is done; rejects, saying who and what it was, when it ends instead. */
  async ask(what: Place | Job): Promise<void> {
    const { channel, pid } = this.#peer
    const message = json.encode(what)
    try {
      await channel.send(message)
      const answer = await channel.receive()
      if (answer === undefined) throw new Error('it has closed its channel')
      this.answers++
      this.bytes += message.byteLength + answer.byteLength
    } catch (cause) {
      const at =
        'step' in what ? `at '${what.step}', rows ${what.band.from} to ${what.band.to - 1}` : 'at its start'
      throw died(`worker ${this.number} (process ${pid})`, at, cause)
    }
  }

  kill(): void {
    this.#peer.kill('SIGKILL')
  }
}

/** Starts all of them or none. */
async function startAll({ url, size }: Crew): Promise<SpawnedPeer[]> {
  const outcomes = await Promise.allSettled(Array.from({ length: size }, (_, index) => start(url, index + 1)))
  const peers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed === undefined) return peers
  await killAll(peers)
  throw failed.reason
}

async function start(url: string, number: number): Promise<SpawnedPeer> {
  try {
    return await spawnPeer(url, new URL('./worker.js', import.meta.url))
  } catch (error) {
    throw StraitError.is(error, 'RESET') ? died(`worker ${number}`, 'at its start', error) : error
  }
}

async function killAll(peers: SpawnedPeer[]): Promise<void> {
  for (const peer of peers) peer.kill('SIGKILL')
  await Promise.all(peers.map((peer) => peer.exited))
  for (const peer of peers) peer.channel.abort()
}

function died(who: string, at: string, cause: unknown): Error {
  const why = StraitError.is(cause) ? cause.reason : (cause as Error).message
  return new Error(`${who} died ${at}: ${why}`, { cause })
}
