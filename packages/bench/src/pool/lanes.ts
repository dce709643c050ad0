import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Pool } from '@strait/pool'
import { startProgram } from '../program.js'
import { roundTrips } from '../round-trip.js'
import { straitLane } from '../strait-lane.js'
import { childrenOf } from './children.js'
import { type Jobs, laneOf, latencyOf, type PoolLane } from './lane.js'

const BENCHMARKS = new URL('../../../../benchmarks/', import.meta.url)
const peer = (file: string) => fileURLToPath(new URL(`peers/${file}`, BENCHMARKS))

/** Starts a pool with so many workers, all of which are there. */
export type OpenLane = (workers: number) => Promise<PoolLane>

interface OurJobs {
  add(a: number, b: number): number
  fib(n: number): number
  echo(bytes: Uint8Array): Uint8Array
  where(): string
}

export const strait =
  (url: string): OpenLane =>
  async (workers) => {
    const pool = new Pool<OurJobs>({
      entry: peer('pool-jobs.mjs'),
      url,
      workers,
      maxMessageSize: 64 * 2 ** 20,
    })
    await pool.ready()
    return laneOf({
      name: 'Pool',
      mode: url,
      workers,
      pids: pool.pids.filter((pid) => pid !== process.pid),
      add: (i) => pool.run('add', [i, 1]),
      fib: (n) => pool.run('fib', [n]),
      echo: (bytes) => pool.run('echo', [bytes]),
      where: () => pool.run('where', []),
      close: () => pool.close(),
    })
  }

/** Of a job `add` with two small numbers, in a frame. */
const JOB_BYTES = 27

/** A message there and back, as large as a job, and no pool: what no job over this channel can be quicker than. */
export const channelAlone =
  (url: string): OpenLane =>
  async () => {
    const lane = await straitLane(url, JOB_BYTES)
    return {
      name: 'the channel alone',
      mode: url,
      workers: 1,
      pids: lane.pid === undefined ? [] : [lane.pid],
      async one(count) {
        const { durations } = await roundTrips(lane, { rounds: count })
        const { p50, p99 } = durations.quantiles()
        return { p50, p99 }
      },
      close: () => lane.close(),
    }
  }

interface Piscina {
  run(task: unknown, options: { name: string; filename?: string }): Promise<unknown>
  destroy(): Promise<void>
}

export const piscina: OpenLane = async (workers) => {
  const { default: Piscina } = (await load('piscina')) as {
    default: (new (options: object) => Piscina) & { move<T>(value: T): T }
  }
  const pool = new Piscina({
    filename: peer('pool-piscina.mjs'),
    minThreads: workers,
    maxThreads: workers,
    maxQueue: Number.POSITIVE_INFINITY,
  })
  const move = { name: 'echo', filename: peer('pool-piscina-move.mjs') }
  return laneOf({
    ...named(pool, 'piscina', 'threads', workers),
    echo: (bytes) => pool.run(Piscina.move(bytes), move) as Promise<Uint8Array>,
  })
}

export const tinypool =
  (runtime: 'worker_threads' | 'child_process'): OpenLane =>
  async (workers) => {
    const { default: Tinypool } = (await load('tinypool')) as { default: new (options: object) => Piscina }
    const before = childrenOf(process.pid)
    const pool = new Tinypool({
      filename: peer('pool-piscina.mjs'),
      runtime,
      minThreads: workers,
      maxThreads: workers,
    })
    const lane = named(pool, 'tinypool', runtime === 'child_process' ? 'processes' : 'threads', workers)
    await lane.where()
    return laneOf({ ...lane, pids: childrenOf(process.pid).filter((pid) => !before.includes(pid)) })
  }

/** piscina, and its descendant. */
function named(pool: Piscina, name: string, mode: string, workers: number): Jobs {
  const [add, fib, where] = [{ name: 'add' }, { name: 'fib' }, { name: 'where' }]
  return {
    name,
    mode,
    workers,
    pids: [],
    add: (i) => pool.run({ a: i, b: 1 }, add),
    fib: (n) => pool.run(n, fib),
    where: () => pool.run(undefined, where) as Promise<string>,
    close: () => pool.destroy(),
  }
}

interface Workerpool {
  pool(
    script: string,
    options: object,
  ): { exec(name: string, args: unknown[]): PromiseLike<unknown>; terminate(): PromiseLike<unknown> }
}

export const workerpool =
  (workerType: 'thread' | 'process'): OpenLane =>
  async (workers) => {
    const { default: library } = (await load('workerpool')) as { default: Workerpool }
    const before = childrenOf(process.pid)
    const pool = library.pool(peer('pool-workerpool.mjs'), {
      workerType,
      minWorkers: workers,
      maxWorkers: workers,
    })
    const where = () => pool.exec('where', []) as PromiseLike<string>
    await where()
    return laneOf({
      name: 'workerpool',
      mode: workerType === 'process' ? 'processes' : 'threads',
      workers,
      pids: childrenOf(process.pid).filter((pid) => !before.includes(pid)),
      add: (i) => pool.exec('add', [i, 1]),
      fib: (n) => pool.exec('fib', [n]),
      where,
      close: async () => pool.terminate(),
    })
  }

const PYTHON = { apply: 'Pool.apply', map: 'Pool.map, chunksize=1', executor: 'ProcessPoolExecutor' }

export const python =
  (kind: keyof typeof PYTHON): OpenLane =>
  async (workers) => {
    const mode = PYTHON[kind]
    const { pids, ask, close } = await startProgram(mode, 'python3', [peer('pool-python.py'), kind, workers])
    return {
      name: 'Python',
      mode,
      workers,
      pids,
      one: async (count) => latencyOf(await ask(`one ${count}`)),
      batch: async (count) => Number(await ask(`batch ${count}`)),
      close,
    }
  }

/** Those that run in Node, by what they are and which of its kind. */
export const kinds = {
  strait,
  channelAlone,
  piscina: () => piscina,
  tinypool,
  workerpool,
} as Readonly<
  Record<'strait' | 'channelAlone' | 'piscina' | 'tinypool' | 'workerpool', (mode: string) => OpenLane>
>

/** They come with a clone of the repository only. */
function load(name: string): Promise<unknown> {
  const path = createRequire(new URL('package.json', BENCHMARKS)).resolve(name)
  return import(pathToFileURL(path).href)
}
