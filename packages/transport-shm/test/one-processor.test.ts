import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { has, run } from '../../posix/test/support/programs.js'
import type { ShmStats } from '../src/index.js'

const ROUNDS = 2_000
const support = (name: string) => fileURLToPath(new URL(`./support/${name}`, import.meta.url))
const noTaskset = !has('taskset')
const [, all, first] = /^Cpus_allowed_list:\s*((\d+)\S*)/m.exec(readFileSync('/proc/self/status', 'utf8'))!

interface Shown {
  readonly wrong: number
  readonly here: ShmStats
  readonly peer: ShmStats
}

/** What a program of these says that runs on one processor. */
async function alone(...args: string[]) {
  const { status, output } = await run('taskset', ['-c', first!, process.execPath, ...args])
  expect(status).toBe(0)
  return JSON.parse(output)
}

async function roundTrips(wait: string, blocking: boolean): Promise<Shown> {
  const more = blocking ? ['blocking'] : []
  return alone(support('round-trips.mjs'), `shm:?wait=${wait}`, String(ROUNDS), ...more)
}

describe.skipIf(noTaskset)('both ends on one processor (skipped without taskset)', () => {
  describe.each(['spin', 'adaptive', 'park'])('that wait by %s', (wait) => {
    it.each([
      ['event loops', false],
      ['threads that block', true],
    ])('exchange every message, as %s', async (_, blocking) => {
      const { wrong, here, peer } = await roundTrips(wait, blocking)
      expect(wrong).toBe(0)
      for (const end of [here, peer]) {
        expect(end.receivedRecords).toBeGreaterThanOrEqual(ROUNDS)
        if (wait === 'park') expect([end.polls, end.spins]).toEqual([0, 0])
        if (wait === 'spin') expect(end.parks).toBe(0)
      }
    })
  })

  it('adaptive never polls', async () => {
    for (const blocking of [false, true]) {
      const { here, peer } = await roundTrips('adaptive', blocking)
      expect([here.polls, peer.polls]).toEqual([0, 0])
    }
  })

  it('adaptive looks in place at most four times, in which the other end runs', async () => {
    const { awaited, blocked } = await alone(support('one-thread.mjs'))
    expect(awaited).toBeLessThanOrEqual(4)
    // In each of a few blocks; elsewhere each would be 2,000.
    expect(blocked).toBeLessThan(200)
  })

  it.skipIf(all === first)('who may use more of them later finds out, though it never sleeps', async () => {
    const { before, later } = await alone(support('given-more.mjs'), all!)
    expect(before).toBeLessThanOrEqual(4)
    expect(later).toBeGreaterThan(4)
  })
})
