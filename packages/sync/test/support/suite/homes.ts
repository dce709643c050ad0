import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SharedMemory } from '@strait/posix'
import * as sync from '@strait/sync'
import type { Home } from '../../conformance/index.js'
import { ActorError, type Calling, type Port } from '../../conformance/player.js'
import { Actor, blocks, type Report, type Request, report } from './actor.mjs'
import { kindsOf } from './mutants.mjs'

const SERVE = fileURLToPath(new URL('./serve.mjs', import.meta.url))
const WORDS = 4096

/** What all homes have for their words. */
function makeWords(): { words: Int32Array; memory: SharedMemory } {
  const memory = SharedMemory.anonymous(WORDS, { reserve: false })
  return { memory, words: memory.view(Int32Array) }
}

/** An actor in this thread. */
function here(kinds: object, region: sync.Region | undefined, words: Int32Array): Port {
  const actor = new Actor(kinds, region, words)
  let last = 0
  return {
    request(verb, args): Calling {
      const id = last++
      const request = { id, verb, args }
      const settled = blocks(request)
        ? // Whoever asks goes on first.
          Promise.resolve().then(() => actor.perform(request))
        : actor.perform(request)
      return {
        id,
        begun: Promise.resolve(),
        settled: settled.catch((error: unknown) => Promise.reject(new ActorError(report(error)))),
      }
    },
    kill: () => Promise.reject(new Error('the test cannot kill itself')),
  }
}

interface Answer {
  readonly id?: number
  readonly event: 'ready' | 'begun' | 'settled'
  readonly result?: unknown
  readonly error?: Report
}

/** An actor elsewhere: what is asked goes there, and what comes back is told. */
class Remote implements Port {
  readonly #send: (request: Request) => void
  readonly #end: () => Promise<unknown>
  readonly #asked = new Map<
    number,
    { begin(): void; resolve(result: unknown): void; reject(error: Error): void }
  >()
  readonly ready: Promise<void>
  #isReady: () => void = () => {}
  #last = 0
  /** Whether it is of no more use to another test. */
  spent = false

  constructor(send: (request: Request) => void, end: () => Promise<unknown>) {
    this.#send = send
    this.#end = end
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve
    })
  }

  readonly hear = ({ id, event, result, error }: Answer): void => {
    if (event === 'ready') this.#isReady()
    const asked = id === undefined ? undefined : this.#asked.get(id)
    if (asked === undefined) return
    asked.begin()
    if (event === 'begun') return
    this.#asked.delete(id!)
    if (error === undefined) asked.resolve(result)
    else asked.reject(new ActorError(error))
  }

  request(verb: string, args: readonly unknown[]): Calling {
    const id = this.#last++
    if (verb === 'closeRegion') this.spent = true
    let begin = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const settled = new Promise<unknown>((resolve, reject) => {
      this.#asked.set(id, { begin, resolve, reject })
    })
    settled.catch(() => {})
    this.#send({ id, verb, args })
    return { id, begun, settled }
  }

  async kill(): Promise<void> {
    this.spent = true
    this.#asked.clear()
    await this.#end()
  }
}

/** What an actor elsewhere is told of where the region is; the verbs of serve.mjs. */
type Way = readonly [kind: 'shared' | 'name' | 'descriptor' | 'memory', from: unknown]

async function inThread(memory: SharedMemory, mutant?: string): Promise<Remote> {
  const worker = new Worker(SERVE, {
    workerData: { memory: `/proc/self/fd/${memory.descriptor}`, keeps: false, mutant },
  })
  // While a test runs, its guard keeps the process; afterwards nothing does.
  worker.unref()
  const remote = new Remote(
    (request) => worker.postMessage(request),
    () => worker.terminate(),
  )
  worker.on('message', remote.hear)
  await remote.ready
  return remote
}

async function inProcess(memory: SharedMemory, keeps: boolean, inherited: number[]): Promise<Remote> {
  const child = fork(SERVE, [JSON.stringify({ memory: '/proc/self/fd/4', keeps })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', memory.descriptor, ...inherited],
    // JSON makes null of undefined.
    serialization: 'advanced',
  })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const remote = new Remote(
    (request) => child.send(request),
    () => {
      child.kill('SIGKILL')
      return gone
    },
  )
  child.on('message', (answer) => remote.hear(answer as Answer))
  await remote.ready
  return remote
}

/** Others are used again where nothing has happened to them: a new one takes longer than most tests. */
class Others {
  readonly #start: () => Promise<Remote>
  readonly #way: Way
  readonly #idle: Remote[]
  readonly #used: Remote[] = []

  constructor(idle: Remote[], way: Way, start: () => Promise<Remote>) {
    this.#idle = idle
    this.#way = way
    this.#start = start
  }

  readonly one = async (): Promise<Remote> => {
    const remote = this.#idle.pop() ?? (await this.#start())
    this.#used.push(remote)
    await remote.request('enter', this.#way).settled
    return remote
  }

  async leave(hung: boolean): Promise<void> {
    for (const remote of this.#used) {
      if (hung || remote.spent) {
        await remote.kill()
        continue
      }
      await remote.request('leave', []).settled
      this.#idle.push(remote)
    }
  }
}

function processes(
  name: string,
  where: () => { region: sync.Region; way: Way; inherited: number[]; keeps: boolean },
): Home {
  const { words, memory } = makeWords()
  const idle: Remote[] = []
  return {
    name: `across processes, ${name}`,
    mortal: true,
    parallel: true,
    async open() {
      words.fill(0)
      const { region, way, inherited, keeps } = where()
      const others = new Others(idle, way, () => inProcess(memory, keeps, inherited))
      const near = here(sync, region, words)
      return {
        words,
        near,
        shares: false,
        far: others.one,
        async close(hung) {
          await others.leave(hung)
          await near.request('reset', []).settled
          if (!keeps) region.close()
        },
      }
    },
  }
}

/** All in one event loop; `mutant` is one of mutants.mjs. */
export const oneLoop = (mutant?: string, guard?: number): Home => ({
  name: 'of the tasks of one thread',
  mortal: false,
  parallel: false,
  ...(guard === undefined ? {} : { guard }),
  async open() {
    const { words, memory } = makeWords()
    const near = here(kindsOf(sync, mutant), undefined, words)
    return {
      words,
      near,
      shares: false,
      far: async () => near,
      async close() {
        await near.request('reset', []).settled
        memory.close()
      },
    }
  },
})

/** `mutant` is one of mutants.mjs; its threads are used once. */
export const threads = (mutant?: string, guard?: number): Home => {
  const { words, memory } = makeWords()
  const idle: Remote[] = []
  const kinds = kindsOf(sync, mutant)
  return {
    name: 'across worker threads',
    mortal: true,
    parallel: true,
    ...(guard === undefined ? {} : { guard }),
    async open() {
      words.fill(0)
      const region = sync.Region.anonymous()
      const others = new Others(idle, ['shared', region.share()], () => inThread(memory, mutant))
      const near = here(kinds, region, words)
      return {
        words,
        near,
        shares: true,
        far: others.one,
        async close(hung) {
          await others.leave(hung || mutant !== undefined)
          await near.request('reset', []).settled
          region.close()
        },
      }
    },
  }
}

export const processesByName = processes('by a name', () => {
  const region = sync.Region.create(`suite-${process.pid}-${randomBytes(4).toString('hex')}`)
  return { region, way: ['name', region.name], inherited: [], keeps: false }
})

let inherited: sync.Region | undefined
export const processesByDescriptor = processes('by an inherited descriptor', () => {
  inherited ??= sync.Region.anonymous()
  return { region: inherited, way: ['descriptor', 5], inherited: [inherited.descriptor], keeps: true }
})

let beside: { memory: SharedMemory; region: sync.Region } | undefined
export const processesByMemory = processes('in memory beside the data', () => {
  if (beside === undefined) {
    const memory = SharedMemory.anonymous(sync.Region.size + 4096)
    beside = { memory, region: sync.Region.over(memory) }
  }
  return { region: beside.region, way: ['memory', 5], inherited: [beside.memory.descriptor], keeps: true }
})
