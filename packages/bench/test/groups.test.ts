import { describe, expect, it, vi } from 'vitest'
import { bench, type Lane } from '../dist/index.js'
import { Responder } from '../dist/payload.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

const open = new Set<string>()
/** Which lanes were open when one of them was asked. */
const together = vi.hoisted(() => new Set<string>())

vi.mock('../dist/strait-lane.js', async (original) => ({
  ...(await original<typeof import('../dist/strait-lane.js')>()),
  straitLane: async (url: string, payloadBytes: number) => fakeLane(url, payloadBytes),
}))

/** A peer in this thread that parks in every stretch. */
function fakeLane(url: string, payloadBytes: number): Lane {
  const responder = new Responder()
  let parks = 0
  open.add(url)
  return {
    name: url,
    payloadBytes,
    pid: undefined,
    async ask(message) {
      if (url === 'tcp:') await new Promise((resolve) => setTimeout(resolve, 60))
      together.add([...open].join(' '))
      parks++
      return responder.answer(message)
    },
    send: (message) => void responder.answer(message),
    report: async () => ({ collections: [], parks: 3 }),
    parks: () => parks,
    async close() {
      open.delete(url)
    },
  }
}

describe('lanes that never sleep', () => {
  it('are open alone, and their rows stand in the order of the URLs', async () => {
    const urls = ['shm:?wait=spin', 'shm:?wait=park', 'shm:?ring=4096&wait=spin', 'shm:']
    const { rows } = await bench({ urls, quick: true })
    expect([...together].sort()).toEqual([
      'shm:?ring=4096&wait=spin',
      'shm:?wait=park shm:',
      'shm:?wait=spin',
    ])
    expect(rows.map(({ url, waitStrategy }) => [url, waitStrategy])).toEqual([
      ['shm:?wait=spin', 'spin'],
      ['shm:?wait=park', 'park'],
      ['shm:?ring=4096&wait=spin', 'spin'],
      ['shm:', 'adaptive'],
    ])
    // What this end counted in the stretches of round trips, and nowhere else.
    for (const { rounds, tail } of rows) expect(tail.here.parks).toBe(rounds)
  })
})

it('a lane of which one stretch takes as long as a repeat has one in each', async () => {
  const plan = { warmUpMs: 1, repeats: 3, stretches: 5, stretchMs: 1 }
  const { rows } = await bench({ urls: ['tcp:', 'unix:'], plan })
  expect(rows[0]!.rounds).toBe(3)
  expect(rows[1]!.rounds).toBeGreaterThanOrEqual(15)
})
