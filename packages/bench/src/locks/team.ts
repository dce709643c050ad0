import { fork } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { Worker } from 'node:worker_threads'
import { began, now } from '../clock.js'
import { Answers } from '../twins/answers.js'
import type { ContestMode, Order, Outcome } from './contend.js'
import type { Contest, ContestLane } from './lane.js'

/** What runs a side; its module calls `takePart`. */
interface Side {
  readonly pid?: number | undefined
  tell(order: Order): void
  outcome(): Promise<Outcome>
  end(): Promise<void>
}

/** How long before the common start the sides are told of it, in ns: so long that all of them have heard. */
const notice = (sides: number) => (20 + 2 * sides) * 1e6

/** Sides that want one lock, in Node, and the counter that the lock guards. */
export class Team {
  readonly #name: string
  readonly #sides: readonly Side[]
  readonly #counter: Uint32Array
  readonly #release: () => void

  private constructor(name: string, sides: readonly Side[], counter: Uint32Array, release: () => void) {
    this.#name = name
    this.#sides = sides
    this.#counter = counter
    this.#release = release
  }

  /** `release` gives back what the sides share; called once, also when one of them does not come up. */
  static async start(
    name: string,
    opening: readonly Promise<Side>[],
    counter: Uint32Array,
    release = () => {},
  ): Promise<Team> {
    const settled = await Promise.allSettled(opening)
    const sides = settled.flatMap((side) => (side.status === 'fulfilled' ? [side.value] : []))
    const team = new Team(name, sides, counter, release)
    const failure = settled.find((side) => side.status === 'rejected')
    if (failure === undefined) return team
    await team.close()
    throw failure.reason
  }

  lane(mode: ContestMode): ContestLane {
    const pids = this.#sides.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
    return {
      name: this.#name,
      mode,
      sides: this.#sides.length,
      by: pids.length > 0 ? 'processes' : 'threads',
      pids,
      contend: (ms) => this.#contend(mode, ms),
      close: () => this.close(),
    }
  }

  async #contend(mode: ContestMode, ms: number): Promise<Contest> {
    this.#counter[0] = 0
    const start = began + now() + notice(this.#sides.length)
    for (const side of this.#sides) side.tell({ mode, start, end: start + ms * 1e6 })
    const shares = await Promise.all(this.#sides.map((side) => side.outcome()))
    return { count: this.#counter[0]!, ns: Math.max(...shares.map(({ end }) => end)) - start, shares }
  }

  #closed: Promise<void> | undefined

  /** Also by the lanes, which may be several. */
  close(): Promise<void> {
    this.#closed ??= Promise.all(this.#sides.map((side) => side.end())).then(this.#release)
    return this.#closed
  }
}

/** Gets the descriptors from 4 on. */
export async function sideInProcess(
  name: string,
  module: URL,
  args: readonly string[],
  descriptors: readonly number[],
): Promise<Side> {
  const child = fork(module, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...descriptors],
    execArgv: [],
  })
  const answers = await untilReady(name, child)
  return {
    pid: child.pid,
    tell: (order) => void child.send(order),
    outcome: () => answers.next(),
    end() {
      if (child.connected) child.disconnect()
      return answers.exited
    },
  }
}

export async function sideInThread(name: string, module: URL, workerData: unknown): Promise<Side> {
  const worker = new Worker(module, { workerData, execArgv: [] })
  const answers = await untilReady(name, worker)
  return {
    tell: (order) => worker.postMessage(order),
    outcome: () => answers.next(),
    async end() {
      await worker.terminate()
    },
  }
}

async function untilReady(name: string, side: EventEmitter): Promise<Answers<Outcome>> {
  const answers = new Answers<Outcome>(name, side)
  side.on('message', (outcome: Outcome) => answers.arrived(outcome))
  await answers.next()
  return answers
}
