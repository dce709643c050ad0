import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { has, run } from '../../posix/test/support/programs.js'
import type { ShmStats } from '../src/index.js'

const ROUNDS = 2_000
const program = fileURLToPath(new URL('./support/round-trips.mjs', import.meta.url))
const noTaskset = !has('taskset')
const [, first] = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))!

interface Shown {
  readonly wrong: number
  readonly here: ShmStats
  readonly peer: ShmStats
}

async function roundTrips(wait: string, blocking: boolean): Promise<Shown> {
  const args = [program, `shm:?wait=${wait}`, String(ROUNDS), ...(blocking ? ['blocking'] : [])]
  const { status, output } = await run('taskset', ['-c', first!, process.execPath, ...args])
  expect(status).toBe(0)
  return JSON.parse(output)
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

  it('adaptive never polls, and looks in place only as often as it lets the other end run', async () => {
    for (const blocking of [false, true]) {
      const { here, peer } = await roundTrips('adaptive', blocking)
      for (const { polls, spins, receivedRecords, parks } of [here, peer]) {
        expect(polls).toBe(0)
        expect(spins).toBeLessThanOrEqual(4 * (receivedRecords + parks + 1))
      }
    }
  })
})
