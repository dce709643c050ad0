import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { supported } from '@strait/posix'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { childrenOf } from '../dist/pool/children.js'
import { type Jobs, laneOf, type PoolLane } from '../dist/pool/lane.js'
import { inProcess } from '../dist/pool/lane-process.js'
import {
  channelAlone,
  type OpenLane,
  piscina,
  python,
  strait,
  tinypool,
  workerpool,
} from '../dist/pool/lanes.js'
import { PoolRun } from '../dist/pool/run.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 120_000 })

const hasPython = spawnSync('python3', ['--version']).error === undefined

const opened: PoolLane[] = []
afterEach(() => Promise.all(opened.splice(0).map((lane) => lane.close())))

async function open(openLane: OpenLane): Promise<PoolLane> {
  const lane = await openLane(1)
  opened.push(lane)
  return lane
}

const processes: [string, OpenLane][] = [
  ...(supported ? ([['Pool, shm:', strait('shm:')]] as [string, OpenLane][]) : []),
  ['Pool, unix:', strait('unix:')],
  ['tinypool', tinypool('child_process')],
  ['workerpool', workerpool('process')],
]

const threads: [string, OpenLane][] = [
  ['Pool, worker:', strait('worker:')],
  ['piscina', piscina],
  ['tinypool', tinypool('worker_threads')],
  ['workerpool', workerpool('thread')],
]

/** Rejects where a result is wrong. */
async function work(lane: PoolLane): Promise<void> {
  const { p50, p99 } = await lane.one(5)
  expect(p50).toBeGreaterThan(0)
  expect(p99).toBeGreaterThanOrEqual(p50)
  if (lane.batch !== undefined) expect(await lane.batch(50)).toBeGreaterThan(0)
  if (lane.fib !== undefined) expect(await lane.fib(10, 5)).toBeGreaterThan(0)
  if (lane.echo !== undefined) expect(await lane.echo(100_000, 2)).toBeGreaterThan(0)
}

describe('the lanes of pools', () => {
  it.each(processes)('%s works in another process, which is gone at the end', async (_, openLane) => {
    const lane = await open(openLane)
    await work(lane)
    const [pid] = (await lane.where!()).split(' ').map(Number)
    expect(pid).not.toBe(process.pid)
    expect(lane.pids).toEqual([pid])
    opened.pop()
    await lane.close()
    await vi.waitFor(() => expect(childrenOf(process.pid)).not.toContain(pid), 60_000)
  })

  it('a channel alone goes there and back between two processes', async () => {
    const lane = await open(channelAlone('unix:'))
    await work(lane)
    expect([lane.batch, lane.fib, lane.echo]).toEqual([undefined, undefined, undefined])
    expect(lane.pids).toEqual([expect.any(Number)])
    opened.pop()
    await lane.close()
    await vi.waitFor(() => expect(childrenOf(process.pid)).not.toContain(lane.pids[0]), 60_000)
  })

  it.each(threads)('%s works in another thread of this process', async (_, openLane) => {
    const lane = await open(openLane)
    await work(lane)
    const [pid, thread] = (await lane.where!()).split(' ').map(Number)
    expect(pid).toBe(process.pid)
    expect(thread).not.toBe(threadId)
    expect(lane.pids).toEqual([])
  })

  it.each([
    inProcess('strait', 'unix:'),
    inProcess('piscina'),
    inProcess('workerpool', 'process'),
    inProcess('channelAlone', 'unix:'),
  ])(
    'work in a process of their own, with all that they can, and nothing of it is left',
    async (openLane) => {
      const lane = await open(openLane)
      await work(lane)
      const [program] = lane.pids
      expect(childrenOf(process.pid)).toContain(program)
      for (const pid of lane.pids.slice(1)) expect(childrenOf(program!)).toContain(pid)
      expect(lane.batch === undefined).toBe(lane.name === 'the channel alone')
      opened.pop()
      await lane.close()
      for (const pid of lane.pids) expect(existsSync(`/proc/${pid}`)).toBe(false)
    },
  )

  it('say why they cannot be opened there', async () => {
    await expect(inProcess('strait', 'mem:')(1)).rejects.toThrow('its peers are in this thread')
  })

  it.skipIf(!hasPython).each(['apply', 'map', 'executor'] as const)(
    "Python's %s works in other processes, which are gone at the end",
    async (kind) => {
      const lane = await open(python(kind))
      await work(lane)
      expect(lane.pids.length).toBeGreaterThan(0)
      opened.pop()
      await lane.close()
      for (const pid of lane.pids) expect(existsSync(`/proc/${pid}`)).toBe(false)
    },
  )

  it('reject what is no right result', async () => {
    const wrong: Jobs = {
      name: 'wrong',
      mode: 'here',
      workers: 1,
      pids: [],
      add: async (i) => (i < 3 ? i + 1 : 0),
      fib: async () => 4,
      echo: async (bytes) => bytes.subarray(1),
      where: async () => '',
      close: async () => {},
    }
    const lane = laneOf(wrong)
    await expect(lane.one(4)).rejects.toThrow('wrong, here: a wrong result, 0')
    await expect(lane.batch!(4)).rejects.toThrow('a wrong result')
    await expect(lane.fib!(10, 1)).rejects.toThrow('a wrong result')
    await expect(lane.echo!(10, 1)).rejects.toThrow('a wrong result')
  })
})

describe('the rows', () => {
  const plan = { repeats: 1, warmUp: 1, one: 2, batch: 2, fib: [5, 2], buffers: [8], rounds: 1 } as const
  const watch = () => ({ cores: () => 0 }) as never

  /** A lane with these times. */
  const lane =
    (name: string, mode: string, ns: number): OpenLane =>
    async (workers) => ({
      name,
      mode,
      workers,
      pids: [],
      one: async () => ({ p50: ns, p99: 3 * ns }),
      batch: async () => 2 * ns,
      fib: async () => 4 * ns,
      close: async () => {},
    })

  async function ran(openLane: OpenLane): Promise<PoolRun> {
    const run = new PoolRun(openLane, 1, plan)
    await run.repeat(watch)
    return run
  }

  it('compare with piscina, and have a bar where one is set', async () => {
    const theirs = await ran(lane('piscina', 'threads', 1000))
    const ours = await ran(lane('Pool', 'shm:?wait=spin', 100))
    expect(theirs.rows(theirs, 2000)[0]).toMatchObject({ ratioToPiscina: 1, bar: null, wait: null })
    expect(ours.rows(theirs, 200)).toMatchObject([
      {
        work: 'one',
        nsPerJob: 100,
        p99Ns: 300,
        ratioToPiscina: 0.1,
        bar: 1 / 5,
        wait: 'spin',
        efficiency: null,
      },
      { work: 'batch', nsPerJob: 200, p99Ns: null, ratioToPiscina: 0.1, bar: 1 / 10 },
      { work: 'fib', nsPerJob: 400, ratioToPiscina: 0.1, bar: null, efficiency: 0.5 },
    ])
  })

  it('are none of a pool that cannot be opened, which says why', async () => {
    const run = await ran(async () => {
      throw new Error('it is not installed')
    })
    expect(run.missing).toBe('it is not installed')
    expect(run.rows(run, 1)).toEqual([])
  })

  it('close the pool also when a result is wrong', async () => {
    const close = vi.fn(async () => {})
    const failing: OpenLane = async (workers) => ({
      ...(await lane('piscina', 'threads', 1)(workers)),
      batch: () => Promise.reject(new Error('a wrong result')),
      close,
    })
    await expect(ran(failing)).rejects.toThrow('a wrong result')
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('of an address that no pool takes are missing', async () => {
    const run = await ran(strait('mem:'))
    expect(run.missing).toContain('its peers are in this thread')
  })
})
