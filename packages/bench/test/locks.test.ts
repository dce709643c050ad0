import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { began, now } from '../dist/clock.js'
import { type BenchLocksOptions, benchLocks, buildFloors, type LockRow, situations } from '../dist/index.js'
import { contend } from '../dist/locks/contend.js'
import type { ContestLane } from '../dist/locks/lane.js'
import { contestByProgram, inC, inPython, pairsByProgram } from '../dist/locks/lock-program.js'
import { asyncMutexPairs, atomicsPairs } from '../dist/locks/pair-lanes.js'
import { ContestRun } from '../dist/locks/runs.js'
import { Samples } from '../dist/locks/samples.js'
import type { Seat } from '../dist/locks/side.js'
import { sideInThread, Team } from '../dist/locks/team.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 120_000 })

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined
const hasCompiler = isThere('cc')
const hasPython = isThere('python3')

const missing = vi.hoisted(() => ({ compiler: undefined as string | undefined }))
vi.mock('../dist/floor-build.js', async (original) => {
  const { buildFloors } = await original<typeof import('../dist/floor-build.js')>()
  return {
    buildFloors: (options?: object) =>
      missing.compiler === undefined ? buildFloors(options) : Promise.reject(new Error(missing.compiler)),
  }
})

const directories: string[] = []
afterAll(() => Promise.all(directories.map((path) => rm(path, { recursive: true }))))

/** The floors, whose locks lose a section of each side. */
async function damaging(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'strait-locks-'))
  directories.push(directory)
  return buildFloors({ directory, flags: ['-DFLOOR_PLANT_DAMAGE'] })
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Z has ended and is not asked for; proc_pid_stat(5). Undefined: there is no such process. */
function state(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]![0]
  } catch {
    return undefined
  }
}

const allowed = (pid: number | 'self') =>
  /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]!

/** An orphan may stay a zombie for as long as init likes. */
async function untilEnded(pids: readonly number[]) {
  while (pids.map(state).some((is) => is !== undefined && is !== 'Z')) await turn()
}

const C = {
  name: 'c',
  where: 'in C (skipped without a compiler)',
  there: hasCompiler,
  open: (sides: number) => cContest(sides),
}
const cContest = async (sides: number) => contestByProgram(inC(await buildFloors(), 'robust'), sides, [])
const PYTHON = {
  name: 'python',
  where: 'in Python (skipped without python3)',
  there: hasPython,
  open: (sides: number) => contestByProgram(inPython, sides, []),
}
const MUTEX = {
  name: 'mutex',
  where: 'of our Mutex (skipped without the addon)',
  there: supported,
  open: async (sides: number, seats: readonly Seat[] = []): Promise<ContestLane> => {
    const { straitByProcesses } = await import('../dist/locks/strait-lanes.js')
    return (await straitByProcesses(sides, seats))[0] as ContestLane
  },
}

describe('a lock that nobody else wants', () => {
  it('is locked and released in this thread for as long as was asked', async () => {
    const ours = supported ? (await import('../dist/locks/strait-lanes.js')).straitPairs() : []
    const lanes = [...ours, atomicsPairs(), ...(await asyncMutexPairs())]
    for (const lane of lanes) {
      const { count, ns } = await lane.pairs(5)
      expect(count).toBeGreaterThan(0)
      expect(ns).toBeGreaterThanOrEqual(5e6)
    }
    for (const lane of lanes) await lane.close()
  })

  it.skipIf(!hasCompiler || !hasPython)('is locked and released in C and in Python as well', async () => {
    const program = await buildFloors()
    for (const lock of [inC(program, 'plain'), inC(program, 'robust'), inPython]) {
      const lane = await pairsByProgram(lock, undefined)
      const { count, ns } = await lane.pairs(5)
      expect(count).toBeGreaterThan(0)
      expect(ns).toBeGreaterThanOrEqual(5e6)
      await lane.close()
      expect(lane.pids.map(state)).toEqual([undefined])
    }
  })
})

describe.each([C, PYTHON, MUTEX])('a contest $where', ({ name, there, open }) => {
  it.skipIf(!there).each([2, 5])('counts every section of %d sides, again and again', async (sides) => {
    const lane = await open(sides)
    for (const ms of [1, 20, 50]) {
      const { count, ns, shares } = await lane.contend(ms)
      expect(shares).toHaveLength(sides)
      expect(shares.reduce((sum, { sections }) => sum + sections, 0)).toBe(count)
      expect(ns).toBeGreaterThanOrEqual(ms * 1e6)
      for (const { sections } of shares) expect(sections).toBeGreaterThan(0)
    }
    await lane.close()
    expect(lane.pids.map(state).filter((is) => is !== undefined)).toEqual([])
  })

  it.skipIf(!there)('fails when a side is killed in the middle, and leaves no process', async () => {
    const lane = await open(2)
    const running = lane.contend(2000)
    process.kill(lane.pids.at(-1)!, 'SIGKILL')
    await expect(running).rejects.toThrow(/the peer has (died|ended)/)
    await lane.close()
    await untilEnded(lane.pids)
  })

  it.skipIf(!there)('ends when the process that opened it is killed', async () => {
    const script = fileURLToPath(new URL('./support/open-contest.mjs', import.meta.url))
    const opener = spawn(process.execPath, [script, name], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pids] = await once(opener.stdout.setEncoding('utf8'), 'data')
    opener.kill('SIGKILL')
    await untilEnded(pids.split(' ').map(Number))
  })
})

describe('a side', () => {
  it.skipIf(!supported)('has found its lock from all cores, and runs on its own', async () => {
    const found = allowed('self').split(/[-,]/).map(Number)
    const seats = [found[0]!, found.at(-1)!].map((core) => ({ found, core }))
    const lane = await MUTEX.open(3, seats)
    expect(lane.pids.map(allowed)).toEqual([0, 1, 0].map((seat) => String(seats[seat]!.core)))
    await lane.close()
  })

  /** A lock that is somebody else's for so long before the fifth section. */
  function lockThatIsTaken(ms: number, counter: Uint32Array) {
    let sections = 0
    const lock = {
      lockSync() {
        if (++sections === 5) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
          counter[0]!++
        }
        return lock
      },
      lock: async () => lock.lockSync(),
      release() {},
    }
    return lock
  }

  it.each(['lockSync', 'await lock'] as const)(
    'knows with %s how long it had to wait behind somebody else, and ends no sooner than it was told',
    async (mode) => {
      const counter = new Uint32Array(1)
      const start = began + now()
      const end = start + 60e6
      const outcome = await contend(lockThatIsTaken(30, counter), counter, { mode, start, end })
      expect(outcome.longestNs).toBeGreaterThanOrEqual(30e6)
      expect(outcome.end).toBeGreaterThanOrEqual(end)
      expect(outcome.sections).toBe(counter[0]! - 1)
    },
  )
})

describe('a run of contests', () => {
  const plan = { warmUpMs: 1, repeats: 1, stretches: 1, stretchMs: 5 }

  it('fails when the counter does not say what it must, by threads', async () => {
    const counter = new SharedArrayBuffer(4)
    const module = new URL('./support/forgetful-side.mjs', import.meta.url)
    const sides = [0, 1].map(() => sideInThread('forgetful', module, counter))
    const lane = (await Team.start('forgetful', sides, new Uint32Array(counter))).lane('lockSync')
    await expect(new ContestRun(lane).stretch(plan)).rejects.toThrow(
      /^forgetful, lockSync: after \d+ sections the counter that they guard says \d+$/,
    )
    await lane.close()
  })

  it.skipIf(!hasCompiler)('fails when the counter does not say what it must, by processes', async () => {
    const lane = await contestByProgram(inC(await damaging(), 'robust'), 2, [])
    await expect(new ContestRun(lane).stretch(plan)).rejects.toThrow('the counter that they guard says')
    await lane.close()
  })

  it('sums up what each side has had, and compares repeats', async () => {
    const stretches = [
      { count: 40, ns: 1e6, shares: [share(10, 5e6), share(30, 2e6)] },
      { count: 60, ns: 2e6, shares: [share(15, 1e6), share(45, 9e6)] },
      { count: 100, ns: 4e6, shares: [share(25, 1e6), share(75, 2e6)] },
    ]
    const lane: ContestLane = {
      name: 'scripted',
      mode: 'lockSync',
      sides: 2,
      by: 'threads',
      pids: [],
      contend: async () => stretches.shift()!,
      close: async () => {},
    }
    const run = new ContestRun(lane)
    for (let repeat = 0; repeat < 3; repeat++) {
      run.beginRepeat()
      await run.stretch(plan)
    }
    expect(run.row('free', run)).toEqual({
      name: 'scripted',
      kind: 'contended',
      mode: 'lockSync',
      sides: 2,
      by: 'threads',
      placement: 'free',
      sectionsPerSecond: 30_000,
      sections: 200,
      shares: [0.25, 0.75],
      longestWaitMs: 9,
      cpuPerSectionNs: expect.any(Number),
      ratioToFloor: 1,
      spread: 0.6,
    })
  })
})

const share = (sections: number, longestNs: number) => ({ sections, longestNs })

describe('samples', () => {
  it('have the median of all, and how far the medians of the repeats lie apart', () => {
    const samples = new Samples()
    for (const repeat of [
      [10, 12, 11],
      [20, 22],
    ]) {
      samples.begin()
      for (const figure of repeat) samples.add(figure)
    }
    expect(samples.median()).toBe(12)
    expect(samples.spread()).toBeCloseTo(10 / 11)
  })
})

describe('benchLocks', () => {
  const placementOf = (sides: number) => {
    if (availableParallelism() === 1) return 'same-core'
    return sides === 2 ? 'different-cores' : 'free'
  }
  const names = (rows: readonly LockRow[]) =>
    rows.map((row) => [row.name, row.mode, ...(row.kind === 'contended' ? [row.sides, row.by] : [])])
  const run = (options: BenchLocksOptions = {}) => benchLocks({ quick: true, crowd: 3, ...options })

  it('has a row for each lock, alone, for two and for a crowd, and tells how far it is', async () => {
    missing.compiler = undefined
    const progress: string[] = []
    const report = await run({
      onProgress: ({ situation, repeat, repeats }) => progress.push(`${situation} ${repeat}/${repeats}`),
    })
    const mutex = (sides: number, by: string) =>
      supported ? ['lockSync', 'await lock'].map((mode) => ['Mutex', mode, sides, by]) : []
    const c = (...rest: unknown[]) =>
      hasCompiler ? [['pthread_mutex', 'robust, process-shared', ...rest]] : []
    const python = (...rest: unknown[]) => (hasPython ? [['multiprocessing.Lock', 'acquire', ...rest]] : [])
    expect(names(report.locks)).toEqual([
      ...(hasCompiler ? [['pthread_mutex', 'plain']] : []),
      ...c(),
      ...(supported ? ['tryLock', 'lockSync', 'using await lock'].map((mode) => ['Mutex', mode]) : []),
      ['Atomics', 'lockSync'],
      ['async-mutex', 'acquire'],
      ['async-mutex', 'runExclusive'],
      ...python(),
      ...[c(2, 'processes'), mutex(2, 'processes'), python(2, 'processes')].flat(),
      ...mutex(2, 'threads'),
      ['Atomics', 'lockSync', 2, 'threads'],
      ...[c(3, 'processes'), mutex(3, 'processes'), python(3, 'processes')].flat(),
    ])
    expect(progress).toEqual(['alone 1/2', 'alone 2/2', 'two 1/2', 'two 2/2', 'crowd 1/1'])
    expect([...new Set(progress.map((line) => line.split(' ')[0]))]).toEqual(situations)
    expect(report.machine.node).toBe(process.version)
    for (const row of report.locks) {
      if (hasCompiler) expect(row.ratioToFloor).toBeGreaterThan(0)
      if (row.kind === 'uncontended') {
        expect(row.nsPerPair).toBeGreaterThan(0)
      } else {
        expect(row.sectionsPerSecond).toBeGreaterThan(0)
        expect(row.longestWaitMs).toBeGreaterThan(0)
        expect(row.placement).toBe(placementOf(row.sides))
        expect(row.shares).toHaveLength(row.sides)
        expect(row.shares.reduce((sum, own) => sum + own)).toBeCloseTo(1, 2)
      }
    }
  })

  it('says what is missing, and measures the rest without a ratio', async () => {
    missing.compiler = 'there is no C compiler'
    const path = vi.spyOn(process, 'env', 'get').mockReturnValue({ ...process.env, PATH: '' })
    const report = await run().finally(() => path.mockRestore())
    missing.compiler = undefined
    expect(report.missing).toEqual([
      'C: there is no C compiler',
      ...(supported ? [] : ['Mutex: the native addon is not built']),
      'multiprocessing.Lock: spawn python3 ENOENT',
    ])
    expect(new Set(report.locks.map(({ name }) => name))).toEqual(
      new Set([...(supported ? ['Mutex'] : []), 'Atomics', 'async-mutex']),
    )
    for (const { ratioToFloor } of report.locks) expect(ratioToFloor).toBeNull()
  })

  it('runs all of a crowd on one core where that is asked for', async () => {
    const { locks } = await run({ placement: 'same-core' })
    expect(new Set(locks.map(({ placement }) => placement))).toEqual(new Set(['same-core']))
  })
})
