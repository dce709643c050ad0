import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from '@strait/pool'
import { supported } from '@strait/posix'
import { describe, expect, it, vi } from 'vitest'
import type * as Jobs from './jobs.mjs'
import { runs } from './support/processes.js'

const SOAK = process.env.STRAIT_SOAK === 'pool'
const KILLS = Number(process.env.STRAIT_KILLS ?? (SOAK ? 500 : 25))
const SEED = Number(process.env.STRAIT_SEED ?? Date.now() % 2 ** 31)
const ALL = [...(supported ? ['shm:'] : []), 'unix:']
const URLS = SOAK ? ALL : ALL.slice(0, 1)

const WORKERS = 3
/** Jobs that have not been settled; more than the workers can have begun. */
const OPEN = 24
/** The most ms that a job takes. */
const LONGEST = 8

interface Outcome {
  readonly attempts: number
  error?: { code?: string; cause?: { signal?: string } }
}

describe.each(URLS)('a pool over %s whose busy workers are killed again and again', (url) => {
  it(`loses no job, and repeats only what it may: ${KILLS} kills, seed ${SEED}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'strait-pool-'))
    const before = leftovers(directory)
    const record = join(directory, 'record')
    writeFileSync(record, '')
    const random = randomOf(SEED)
    const outcomes: Outcome[] = []
    const open = new Set<Promise<void>>()
    const seen = new Set<number>()
    const pool = new Pool<typeof Jobs>({
      entry: new URL('./jobs.mjs', import.meta.url),
      url,
      workers: WORKERS,
      env: { ...process.env, TMPDIR: directory },
    })

    function begin(): void {
      const outcome: Outcome = { attempts: random(2) === 0 ? 1 : 3 }
      const id = outcomes.push(outcome) - 1
      const job = pool
        .run('record', [record, String(id), random(LONGEST)], { attempts: outcome.attempts })
        .then(
          (value) => expect(value).toBe(String(id)),
          (error) => {
            outcome.error = error
          },
        )
      open.add(job)
      void job.then(() => open.delete(job))
    }

    try {
      for (let kills = 0; kills < KILLS; kills++) {
        await pool.ready()
        for (const pid of pool.pids) seen.add(pid)
        // As it comes: in the middle of a job, or between two of them.
        for (let turns = 1 + random(10); turns > 0; turns--) {
          while (open.size < OPEN) begin()
          await Promise.race(open)
        }
        const { pids } = pool
        const victim = pids[random(pids.length)]
        if (victim === undefined) kills--
        else await killed(victim, pool)
      }
      await Promise.all(open)
      expect(pool.statistics.ended).toBe(KILLS)
    } finally {
      await pool.close()
    }

    expect(pool.statistics).toMatchObject({ waiting: 0, running: 0, workers: 0 })
    expect([...seen].filter(runs)).toEqual([])
    const times = new Map<number, number>()
    for (const id of readFileSync(record, 'utf8').split('\n').slice(0, -1).map(Number))
      times.set(id, (times.get(id) ?? 0) + 1)
    let deaths = 0
    for (const [id, { attempts, error }] of outcomes.entries()) {
      const runs = times.get(id) ?? 0
      expect(runs, `job ${id}`).toBeLessThanOrEqual(attempts)
      if (error === undefined) {
        expect(runs, `job ${id}`).toBeGreaterThanOrEqual(1)
        deaths += runs - 1
      } else {
        expect(error, `job ${id}`).toMatchObject({ code: 'ERR_STRAIT_RESET', cause: { signal: 'SIGKILL' } })
        deaths += attempts
      }
    }
    // Each death concerns one job, or none, when it comes between two.
    expect(deaths).toBeLessThanOrEqual(KILLS)
    expect(deaths).toBeGreaterThan(KILLS / 4)
    rmSync(record)
    // The kernel tells of the end of a process and of that of its streams one after the other.
    await vi.waitFor(() => expect(leftovers(directory)).toEqual(before), { interval: 5, timeout: 10_000 })
    rmSync(directory, { recursive: true })
  })
})

/** Kills a worker, and resolves when the pool knows. */
async function killed(pid: number, pool: Pool<typeof Jobs>): Promise<void> {
  process.kill(pid, 'SIGKILL')
  while (pool.pids.includes(pid)) await new Promise((resolve) => setImmediate(resolve))
}

/** What a killed worker can have left: files, shared memory, and descriptors here. */
function leftovers(directory: string) {
  return {
    files: readdirSync(directory),
    shared: readdirSync('/dev/shm').filter((name) => name.includes(String(process.pid))),
    descriptors: readdirSync('/proc/self/fd')
      .flatMap((descriptor) => {
        try {
          return [readlinkSync(`/proc/self/fd/${descriptor}`).replace(/\[?\d+\]?/, '')]
        } catch {
          // That of the directory itself.
          return []
        }
      })
      .sort(),
  }
}

/** Whole numbers below a limit, the same for the same seed: the generator of Park and Miller. */
function randomOf(seed: number): (limit: number) => number {
  let state = (seed % 2_147_483_646) + 1
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
}
