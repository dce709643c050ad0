import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { afterEach, describe, expect, it, vi } from 'vitest'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 120_000 })

const program = (name: string) => fileURLToPath(new URL(`../examples/dist/${name}/main.js`, import.meta.url))
const results = [89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765]
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Who lives in a process group. An orphan may stay a zombie for as long as init likes. */
function living(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // State, parent and process group; proc_pid_stat(5).
        const [state, , pgrp] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
        return Number(pgrp) === group && state !== 'Z'
      } catch {
        return false
      }
    })
}

let child: ChildProcess | undefined

function begin(name: string, args: readonly string[]): ChildProcess & { pid: number } {
  child = spawn(process.execPath, [program(name), ...args], {
    detached: true, // a process group of its own
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return child as ChildProcess & { pid: number }
}

afterEach(() => {
  if (child?.pid !== undefined && living(child.pid).length > 0) process.kill(-child.pid, 'SIGKILL')
  child = undefined
})

async function run(name: string, ...args: string[]) {
  const { pid, stdout, stderr } = begin(name, args)
  const [output, complaint, [code]] = await Promise.all([
    text(stdout!),
    text(stderr!),
    once(child!, 'close') as Promise<[number | null]>,
  ])
  expect(living(pid)).toEqual([])
  expect(readdirSync('/dev/shm').filter((file) => file.includes(`example-${pid}`))).toEqual([])
  return { pid, output, complaint, code }
}

async function json(name: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { output, complaint, code } = await run(name, ...args, '--json')
  expect({ complaint, code }).toEqual({ complaint: '', code: 0 })
  return JSON.parse(output)
}

async function lines(name: string, ...args: string[]): Promise<string[]> {
  const { output, complaint, code } = await run(name, ...args)
  expect({ complaint, code }).toEqual({ complaint: '', code: 0 })
  return output.trimEnd().split('\n')
}

interface Counted {
  unlocked: { result: number; lost: number }
}

describe.skipIf(!supported)('the examples of threads and of processes', () => {
  describe.each([
    ['threads', ['counter', 'semaphore', 'event', 'condition', 'barrier'], 'threads'],
    ['processes', ['counter', 'fib', 'owner'], 'processes'],
  ])('%s', (name, demonstrations, where) => {
    it('loses updates without a lock, and none with a Mutex', async () => {
      const { counter } = await json(name, 'counter')
      expect(counter).toEqual({
        tasks: 5000,
        expected: 10_000,
        unlocked: { result: expect.any(Number), lost: expect.any(Number) },
        locked: { result: 10_000, lost: 0 },
      })
      const { result, lost } = (counter as Counted).unlocked
      expect(result + lost).toBe(10_000)
      expect(lost).toBeGreaterThan(0)
      expect(result).toBeGreaterThan(0)
    })

    it('says how many updates were lost', async () => {
      const [first, second, ...others] = await lines(name, 'counter')
      expect(first).toBe(`counter: 5000 tasks in 5 ${where} add 1 twice: it should be 10000`)
      const [, result, lost] = /^counter: without a lock it is (\d+): (\d+) updates were lost$/.exec(second!)!
      expect(Number(result) + Number(lost)).toBe(10_000)
      expect(others).toEqual(['counter: with a Mutex it is 10000'])
    })

    it('shows everything, in one object, when nothing is named', async () => {
      expect(Object.keys(await json(name))).toEqual(demonstrations)
    })

    it('shows what is named, in that order', async () => {
      const named = demonstrations.slice(1, 3).reverse()
      expect(Object.keys(await json(name, ...named))).toEqual(named)
    })

    it('explains itself when it is asked', async () => {
      const { output, complaint, code } = await run(name, '--help')
      expect({ complaint, code }).toEqual({ complaint: '', code: 0 })
      for (const demonstration of demonstrations)
        expect(output).toMatch(new RegExp(`^ {2}${demonstration} `, 'm'))
    })

    it.each([
      ['argument', 'toString'],
      ['option', '--nonsense'],
    ])('refuses an unknown %s with 2, and begins nothing', async (kind, unknown) => {
      const { output, complaint, code } = await run(name, demonstrations[0]!, unknown)
      expect({ output, code }).toEqual({ output: '', code: 2 })
      expect(complaint).toContain(`Unknown ${kind} '${unknown}'`)
      expect(complaint).toContain(`examples/dist/${name}/main.js`)
    })
  })

  it('let three into the room, and never more', async () => {
    expect(await json('threads', 'semaphore')).toEqual({
      semaphore: { tasks: 20, permits: 3, visits: 20, greatest: 3 },
    })
    expect(await lines('threads', 'semaphore')).toEqual([
      'semaphore: 20 of 20 tasks were in the room; at most 3 at once',
    ])
  })

  it('hold all runners back until the shot', async () => {
    expect(await json('threads', 'event')).toEqual({
      event: { runners: 4, before: 0, after: 4, isSet: true },
    })
    expect(await lines('threads', 'event')).toEqual([
      'event: 4 runners are ready, 0 have gone',
      'event: after the shot 4 have gone; who comes late does not wait',
    ])
  })

  it('bring every item through the buffer once, and never overfill it', async () => {
    const { condition } = await json('threads', 'condition')
    expect(condition).toEqual({
      items: 1000,
      capacity: 8,
      most: expect.any(Number),
      left: 0,
      sum: 500_500,
      expected: 500_500,
    })
    const { most } = condition as { most: number }
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(8)
    expect((await lines('threads', 'condition')).at(-1)).toBe(
      'condition: their sum is 500500, and should be 500500',
    )
  })

  it('add up in phases, and all know the sum', async () => {
    const sum = 20_000_100_000
    expect(await json('threads', 'barrier')).toEqual({
      barrier: { threads: 4, numbers: 200_000, seen: [sum, sum, sum, sum], expected: sum },
    })
    expect(await lines('threads', 'barrier')).toEqual([
      `barrier: 4 threads have added 1 to 200000: they know ${sum} ${sum} ${sum} ${sum}, and it is ${sum}`,
    ])
  })

  it('compute fib(10) to fib(19) in ten processes, which write into one table', async () => {
    const { rows } = (await json('processes', 'fib')).fib as { rows: { pid: number }[] }
    expect(rows).toEqual(results.map((value, index) => ({ n: 10 + index, value, pid: expect.any(Number) })))
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(10)
    expect((await lines('processes', 'fib')).map((line) => line.replace(/\d+/, 'PID'))).toEqual(
      results.map((value, index) => `fib: process PID: fib(${10 + index}) = ${value}`),
    )
  })

  it('tell the next owner of a death, and shut the lock when that one neglects it', async () => {
    expect(await json('processes', 'owner')).toEqual({
      owner: {
        total: 100,
        seen: [
          { who: 'careful', ownerDied: true, found: [70, 0], left: [100, 0] },
          { who: 'ordinary', ownerDied: false, found: [100, 0], left: [100, 0] },
          { who: 'neglectful', ownerDied: true, found: [70, 0], left: [70, 0] },
          { who: 'ordinary', error: 'ERR_STRAIT_OWNER_DIED' },
          { who: 'repairer', ownerDied: true, found: [70, 0], left: [100, 0] },
          { who: 'ordinary', ownerDied: false, found: [100, 0], left: [100, 0] },
        ],
      },
    })
    expect(await lines('processes', 'owner')).toEqual([
      'owner: careful: is told that an owner died; finds 70 + 0, leaves 100 + 0',
      'owner: ordinary: finds 100 + 0, leaves 100 + 0',
      'owner: neglectful: is told that an owner died; finds 70 + 0, leaves 70 + 0',
      'owner: ordinary: ERR_STRAIT_OWNER_DIED',
      'owner: repairer: is told that an owner died; finds 70 + 0, leaves 100 + 0',
      'owner: ordinary: finds 100 + 0, leaves 100 + 0',
    ])
  })

  it('take their processes with them when they are killed', async () => {
    const { pid, stdout, stderr } = begin('processes', ['counter'])
    stdout!.resume()
    stderr!.resume()
    while (living(pid).length < 2) {
      expect(child!.exitCode).toBeNull()
      await turn()
    }
    const closed = once(child!, 'close')
    process.kill(pid, 'SIGKILL')
    await closed
    while (living(pid).length > 0) await turn()
  })
})
