import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool, type PoolOptions } from '@strait/pool'
import { supported } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type * as Jobs from './jobs.mjs'

const entry = new URL('./jobs.mjs', import.meta.url)
const URLS = [...(supported ? ['shm:'] : []), 'unix:', 'worker:']

let directory: string
const opened: Pool<typeof Jobs>[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-pool-'))
})
afterEach(async () => {
  for (const pool of opened.splice(0)) await pool.abort()
  rmSync(directory, { recursive: true })
})

function open(options: Partial<PoolOptions> = {}): Pool<typeof Jobs> {
  const pool = new Pool<typeof Jobs>({ entry, workers: 2, ...options })
  opened.push(pool)
  return pool
}

/** A file that jobs write to, and when it has so many lines. */
function file(name = 'lines') {
  const path = join(directory, name)
  appendFileSync(path, '')
  const lines = () => readFileSync(path, 'utf8').split('\n').slice(0, -1)
  const until = async (count: number) => {
    const watcher = watch(path)
    try {
      while (lines().length < count) await new Promise((resolve) => watcher.once('change', resolve))
    } finally {
      watcher.close()
    }
  }
  return { path, lines, until }
}

const alive = (pid: number) => existsSync(`/proc/${pid}`)

describe.each(URLS)('a pool over %s', (url) => {
  it('runs functions elsewhere, and gives their results', async () => {
    const pool = open({ url })
    expect(await pool.run('add', [1, 2])).toBe(3)
    expect(await pool.run('nothing', [])).toBeUndefined()
    expect(await pool.map('fib', [10, 11, 12, 13, 14, 15, 16, 17, 18, 19])).toEqual([
      89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765,
    ])
    if (url !== 'worker:') expect(await pool.run('pid', [])).not.toBe(process.pid)
  })

  it('carries what structured clone can, and bytes', async () => {
    const pool = open({ url })
    const all = [
      undefined,
      null,
      -0,
      Number.NaN,
      1n,
      'ä\ud800',
      // biome-ignore lint/suspicious/noSparseArray: that is what it is
      [1, , 3],
      [undefined],
      new Map([[1, new Set('a')]]),
    ]
    for (const value of [...all, new Date(0), { a: [{}] }])
      expect(await pool.run('echo', [value])).toEqual(value)
    expect(Object.is(await pool.run('echo', [-0]), -0)).toBe(true)
    for (const length of [0, 1, 32_767, 32_768, 16 * 1024 * 1024]) {
      const bytes = Uint8Array.from({ length }, (_, index) => index % 251)
      expect(Buffer.compare((await pool.run('echo', [bytes])) as Uint8Array, bytes)).toBe(0)
    }
  })

  it('gives errors with class, code and stack of where they were thrown', async () => {
    const pool = open({ url })
    const error = await pool.run('fail', ['too far']).catch((reason) => reason)
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ message: 'too far', code: 'EFAR' })
    expect(error.remoteStack).toContain('jobs.mjs')
    await expect(pool.run('missing' as 'pid', [])).rejects.toMatchObject({ code: 'ERR_STRAIT_NOT_SUPPORTED' })
    await expect(pool.run('notAFunction' as 'pid', [])).rejects.toMatchObject({
      code: 'ERR_STRAIT_NOT_SUPPORTED',
    })
    await expect(pool.run('echo', [() => {}])).rejects.toThrow('could not be cloned')
    expect(await pool.run('add', [1, 2])).toBe(3)
  })

  it('fails the job of a worker that dies with what is known of its end, and goes on', async () => {
    const pool = open({ url, workers: 1 })
    const others = [1, 2, 3].map((n) => pool.run('add', [n, n]))
    const exits = pool.run('exit', [7, 'I cannot go on\n'])
    const later = [4, 5, 6].map((n) => pool.run('add', [n, n]))
    await expect(exits).rejects.toMatchObject({
      code: 'ERR_STRAIT_RESET',
      cause: { exitCode: 7, stderr: 'I cannot go on' },
    })
    expect(await Promise.all([...others, ...later])).toEqual([2, 4, 6, 8, 10, 12])
    expect(pool.statistics.ended).toBe(1)
  })

  it.skipIf(url === 'worker:')(
    'has the answers of all jobs before the one that ends its worker',
    async () => {
      const pool = open({ url, workers: 1 })
      await pool.ready()
      const jobs = [1, 2, 3, 4].map((n) => pool.run('add', [n, n]))
      const last = pool.run('die', [])
      expect(await Promise.all(jobs)).toEqual([2, 4, 6, 8])
      await expect(last).rejects.toMatchObject({ code: 'ERR_STRAIT_RESET', cause: { signal: 'SIGKILL' } })
    },
  )

  it('asks an aborted job to stop', async () => {
    const pool = open({ url, workers: 1, grace: 60_000 })
    const seen = file()
    const giveUp = new AbortController()
    const job = pool.run('heed', [seen.path], { signal: giveUp.signal })
    await seen.until(1)
    const behind = pool.run('add', [1, 1])
    giveUp.abort(new Error('mine'))
    await expect(job).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED', cause: { message: 'mine' } })
    expect(await behind).toBe(2)
    expect(seen.lines()).toEqual(['begun', 'aborted ERR_STRAIT_ABORTED'])
    expect(pool.statistics.ended).toBe(0)
  })

  it('ends the worker of a job that does not stop, and no other job notices', async () => {
    const pool = open({ url, workers: 2, grace: 10 })
    const seen = file()
    const job = pool
      .run('spin', [seen.path], { timeout: 60_000, signal: AbortSignal.timeout(0) })
      .catch(() => {})
    const giveUp = new AbortController()
    const spinning = pool.run('spin', [seen.path], { signal: giveUp.signal })
    const others = Array.from({ length: 200 }, (_, n) => pool.run('add', [n, 1]))
    await job
    await seen.until(1)
    giveUp.abort()
    await expect(spinning).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    expect(await Promise.all(others)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1))
    expect(await Promise.all([pool.run('add', [1, 1]), pool.run('add', [1, 2])])).toEqual([2, 3])
  })

  it('stops a job whose time is over', async () => {
    const pool = open({ url, workers: 1, grace: 0 })
    await expect(pool.run('spin', [], { timeout: 1 })).rejects.toMatchObject({ code: 'ERR_STRAIT_TIMEOUT' })
    expect(await pool.run('add', [1, 1])).toBe(2)
  })

  it('never begins what is aborted while it waits', async () => {
    const pool = open({ url, workers: 1 })
    const seen = file()
    await pool.ready()
    const giveUp = new AbortController()
    const jobs = ['a', 'b', 'c', 'd'].map((line, index) =>
      pool.run('record', [seen.path, line, 50], index === 2 ? { signal: giveUp.signal } : {}),
    )
    await seen.until(1)
    giveUp.abort()
    await expect(jobs[2]).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    expect(await jobs[3]).toBe('d')
    expect(seen.lines()).toEqual(['a', 'b', 'd'])
  })

  it('leaves nobody behind, by close or by abort', async () => {
    const pool = open({ url })
    await pool.run('nothing', [])
    const { pids } = pool
    const sum = pool.run('add', [1, 1])
    await pool.close()
    expect(await sum).toBe(2)
    if (url !== 'worker:') expect(pids.filter(alive)).toEqual([])
    await expect(pool.run('nothing', [])).rejects.toMatchObject({ code: 'ERR_STRAIT_CLOSED' })

    const aborted = open({ url, grace: 10 })
    await aborted.ready()
    const others = aborted.pids
    const seen = file()
    const jobs = [
      aborted.run('spin', [seen.path]),
      aborted.run('add', [1, 1]),
      aborted.run('insist', [seen.path]),
    ]
    await seen.until(1)
    const ended = aborted.abort(new Error('enough'))
    for (const job of jobs)
      await job.catch((error) => expect(error).toMatchObject({ code: 'ERR_STRAIT_ABORTED' }))
    await ended
    if (url !== 'worker:') expect(others.filter(alive)).toEqual([])
  })
})

describe('jobs', () => {
  it('run again elsewhere where they may, and so often only', async () => {
    const pool = open({ workers: 2 })
    const seen = file()
    await expect(pool.run('die', [], { attempts: 3 })).rejects.toMatchObject({
      code: 'ERR_STRAIT_RESET',
      cause: { signal: 'SIGKILL' },
    })
    expect(pool.statistics.ended).toBe(3)
    expect(await pool.run('record', [seen.path, 'once'], { attempts: 3 })).toBe('once')
    expect(seen.lines()).toEqual(['once'])
  })

  it('do not wait behind a long one while another worker is free', async () => {
    const pool = open({ workers: 2 })
    const giveUp = new AbortController()
    const seen = file()
    await pool.ready()
    const spinning = pool.run('spin', [seen.path], { signal: giveUp.signal })
    const sums = await Promise.all(Array.from({ length: 500 }, (_, n) => pool.run('add', [n, n])))
    expect(sums[499]).toBe(998)
    giveUp.abort()
    await spinning.catch(() => {})
  })

  it('wait up to a limit, and `room` waits for room', async () => {
    const pool = open({ workers: 1, maxWaiting: 2 })
    const seen = file()
    const giveUp = new AbortController()
    await pool.ready()
    const running = pool.run('heed', [seen.path], { signal: giveUp.signal })
    await seen.until(1)
    const jobs: Promise<number>[] = []
    const outcome = async () => {
      for (;;) {
        const job = pool.run('add', [1, 1])
        const error = await Promise.race([
          job.then(
            () => undefined,
            (reason) => reason,
          ),
          new Promise((resolve) => setImmediate(resolve)),
        ])
        if (error !== undefined) return error
        jobs.push(job)
      }
    }
    expect(await outcome()).toMatchObject({ code: 'ERR_STRAIT_NO_RESOURCES' })
    const room = pool.room()
    giveUp.abort()
    await running.catch(() => {})
    await room
    expect(await pool.run('add', [2, 2])).toBe(4)
    expect(new Set(await Promise.all(jobs))).toEqual(new Set([2]))
    expect(
      await pool.map(
        'fib',
        Array.from({ length: 50 }, () => 5),
      ),
    ).toHaveLength(50)
  })

  it('are refused when they are too large, and nothing else is', async () => {
    const pool = open({ workers: 1, maxMessageSize: 100_000 })
    await expect(pool.run('echo', [new Uint8Array(200_000)])).rejects.toMatchObject({
      code: 'ERR_STRAIT_TOO_LARGE',
    })
    await expect(pool.run('echo', ['x'.repeat(200_000)])).rejects.toMatchObject({
      code: 'ERR_STRAIT_TOO_LARGE',
    })
    expect(await pool.run('add', [1, 1])).toBe(2)
  })

  it('take a timeout that is one, however long', async () => {
    const pool = open({ workers: 1 })
    for (const timeout of [Number.NaN, -1]) {
      await expect(pool.run('add', [1, 1], { timeout })).rejects.toBeInstanceOf(RangeError)
    }
    for (const timeout of [2 ** 40, Number.POSITIVE_INFINITY]) {
      expect(await pool.run('sleep', [20], { timeout })).toBeUndefined()
    }
  })

  it('have statistics', async () => {
    const pool = open({ workers: 1 })
    await pool.run('sleep', [20])
    await pool.run('fail', ['x']).catch(() => {})
    const { done, failed, waiting, running, workers, run, wait, transfer } = pool.statistics
    expect({ done, failed, waiting, running, workers }).toEqual({
      done: 1,
      failed: 1,
      waiting: 0,
      running: 0,
      workers: 1,
    })
    expect(run.max).toBeGreaterThanOrEqual(19e6)
    expect([run.count, wait.count, transfer.count]).toEqual([2, 2, 2])
  })
})

describe('maps', () => {
  it('keep the order of the items, whichever is done first', async () => {
    const pool = open({ workers: 2 })
    const delays = [30, 0, 20, 10, 0]
    const progress: [number, number | undefined][] = []
    await pool.map('sleep', delays, { onProgress: (done, total) => progress.push([done, total]) })
    expect(progress).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]))
    expect(
      await pool.starmap('add', [
        [1, 2],
        [3, 4],
      ]),
    ).toEqual([3, 7])
    const squares: unknown[] = []
    for await (const value of pool.imap('echo', new Set(['a', 'b', 'c']))) squares.push(value)
    expect(squares).toEqual(['a', 'b', 'c'])
  })

  it('give results as they are done, where they may', async () => {
    const pool = open({ workers: 2 })
    await pool.map('nothing' as 'echo', [1, 2, 3, 4])
    const seen: unknown[] = []
    const items = [200, 0, 0, 0]
    for await (const _ of pool.imapUnordered('sleep', items, { onProgress: (done) => seen.push(done) }));
    expect(seen).toEqual([1, 2, 3, 4])
    const values: unknown[] = []
    for await (const value of pool.imapUnordered('echo', [3, 1, 2])) values.push(value)
    expect(values.sort()).toEqual([1, 2, 3])
  })

  it('take items only so far ahead of who reads', async () => {
    const pool = open({ workers: 1 })
    let taken = 0
    async function* items() {
      for (;;) yield taken++
    }
    const results = pool.imap('echo', items(), { ahead: 5 })
    expect((await results.next()).value).toBe(0)
    await pool.run('nothing', [])
    expect(taken).toBeLessThanOrEqual(8)
    await results.return()
    await pool.run('nothing', [])
    const before = taken
    await pool.run('nothing', [])
    expect(taken).toBe(before)
  })

  it('end with the first job that fails, and with what the items throw', async () => {
    const pool = open({ workers: 1 })
    await expect(pool.map('fail', ['first', 'second'])).rejects.toThrow('first')
    function* items() {
      yield 1
      throw new TypeError('no more items')
    }
    await expect(pool.map('echo', items())).rejects.toThrow('no more items')
    const aborted = pool.map('sleep', [60_000], { signal: AbortSignal.timeout(1) })
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
  })
})

describe('workers', () => {
  it('are initialized before their first job', async () => {
    const pool = open({ workers: 2, initialize: { name: 'setUp', args: ['ready'] } })
    expect(await pool.map('getState' as 'echo', [1, 2, 3, 4])).toEqual(['ready', 'ready', 'ready', 'ready'])
  })

  it('that cannot be started fail the jobs that wait, with the reason', async () => {
    const cannot = open({ initialize: { name: 'setUp', args: ['fails'] } })
    await expect(cannot.run('nothing', [])).rejects.toThrow('cannot be set up')
    await expect(cannot.ready()).rejects.toThrow('cannot be set up')
    const missing = open({ entry: new URL('./missing.mjs', import.meta.url) })
    await expect(missing.run('nothing', [])).rejects.toThrow('missing.mjs')
  })

  it('are replaced after so many jobs', async () => {
    const pool = open({ workers: 1, maxJobs: 3 })
    const pids = await pool.map(
      'pid' as 'echo',
      Array.from({ length: 9 }, (_, n) => n),
    )
    expect(new Set(pids).size).toBe(3)
    for (const pid of new Set(pids)) expect(pids.filter((each) => each === pid)).toHaveLength(3)
  })

  it('are replaced when they have too much memory', async () => {
    const pool = open({ workers: 1, maxMemory: 300 * 1024 * 1024 })
    const first = await pool.run('hoard', [1_000])
    await new Promise((resolve) => setTimeout(resolve, 150))
    await pool.run('hoard', [400 * 1024 * 1024])
    expect(await pool.run('hoard', [1])).not.toBe(first)
  })

  it('come to the help of one who has all the jobs', async () => {
    const pool = open({ workers: undefined, min: 1, max: 2 })
    await pool.ready()
    const both = file()
    const jobs = ['a', 'b'].map((line) => pool.run('meet', [both.path, line]))
    expect(await Promise.all(jobs)).toEqual([2, 2])
  })

  it('come to the help of two who have two jobs each', async () => {
    const pool = open({ workers: undefined, min: 2, max: 3 })
    await pool.ready()
    const all = file()
    const jobs = ['a', 'b', 'c', 'd'].map((line) => pool.run('meet', [all.path, line, 3]))
    expect((await Promise.all(jobs)).every((count) => count >= 3)).toBe(true)
  })

  it('come as they are needed, and go when they are not', async () => {
    const pool = open({ workers: undefined, min: 0, max: 3, idleTimeout: 20, grace: 60_000 })
    expect(pool.pids).toEqual([])
    const seen = file()
    const giveUp = new AbortController()
    const begin = () => pool.run('heed', [seen.path], { signal: giveUp.signal }).catch(() => {})
    const running = [begin(), begin()]
    await seen.until(2)
    expect(pool.pids.length).toBe(2)
    giveUp.abort()
    await Promise.all(running)
    while (pool.pids.length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await pool.run('add', [1, 1])).toBe(2)
  })
})

it('says what is wrong with its options', () => {
  const wrong: [Partial<PoolOptions>, string][] = [
    [{ workers: 0 }, 'workers must be a whole number from 1'],
    [{ workers: 1.5 }, 'workers must be'],
    [{ min: 3, max: 2 }, 'min is 3, and max is 2'],
    [{ url: 'mem:' }, 'worker: has threads'],
    [{ maxWaiting: 0 }, 'maxWaiting must be'],
    [{ grace: -1 }, 'grace must be'],
  ]
  for (const [options, message] of wrong) expect(() => new Pool({ entry, ...options })).toThrow(message)
})
