import { describe, expect, it } from 'vitest'
import { began } from '../dist/clock.js'
import { Rounds } from '../dist/rounds.js'
import type { EndSeen } from '../dist/stretch-watch.js'
import { TailLog } from '../dist/tail.js'

/** A stretch of rounds that begin 1,000 ns after each other. */
function stretch(durations: readonly number[]): Rounds {
  const rounds = new Rounds()
  for (const [index, ns] of durations.entries()) rounds.add(index * 1000, index * 1000 + ns)
  return rounds
}

/** A collection, on the clock of the rounds. */
const collection = (from: number, to: number) => ({ from: began + from, to: began + to })

const fast = (count: number): number[] => Array(count).fill(100)

const QUIET: EndSeen = { collections: [], preemptions: 0, waitedNs: 0, parks: 0 }

describe('the tail', () => {
  it('is the slowest thousandth of the rounds of all stretches, and one at least', () => {
    const log = new TailLog()
    log.add(stretch([...fast(1), 500]), { here: QUIET, peer: QUIET })
    expect(log.tail(100)).toMatchObject({ rounds: 1, unexplained: 1 })
    log.add(stretch([...fast(1997), 900]), { here: QUIET, peer: { ...QUIET, waitedNs: 800 } })
    // Both slow ones are in it, of which the stretch in which the peer waited has one.
    expect(log.tail(100)).toMatchObject({ rounds: 2, waiting: 1, unexplained: 1 })
  })

  it('keeps the slowest, though more of others came before', () => {
    const log = new TailLog()
    log.add(stretch(fast(500_000)), { here: { ...QUIET, parks: 1_000_000 }, peer: QUIET })
    log.add(stretch(Array(600).fill(200)), { here: QUIET, peer: QUIET })
    const { rounds, parked, unexplained } = log.tail(100)
    expect([rounds, parked, unexplained]).toEqual([501, 0, 501])
  })

  it('finds the rounds in which either end collected garbage', () => {
    const log = new TailLog()
    const slow = fast(4000)
    for (const at of [10, 20, 30, 40]) slow[at] = 900
    const here = { ...QUIET, collections: [collection(10_100, 10_800), collection(15_000, 15_050)] }
    const peer = { ...QUIET, collections: [collection(20_850, 29_000)] }
    log.add(stretch(slow), { here, peer })
    expect(log.tail(100)).toMatchObject({
      rounds: 4,
      collecting: 2,
      unexplained: 2,
      here: { collections: { count: 2, totalNs: 750, longestNs: 700 } },
      peer: { collections: { count: 1, totalNs: 8150, longestNs: 8150 } },
    })
  })

  it('accounts for no more rounds by waits for a core and parks than these suffice for', () => {
    const log = new TailLog()
    const seen = { ...QUIET, preemptions: 1, waitedNs: 1_000, parks: 2 }
    log.add(stretch([...fast(9_990), ...Array(10).fill(900)]), { here: seen, peer: seen })
    expect(log.tail(100)).toMatchObject({
      rounds: 10,
      collecting: 0,
      // 2,000 ns for both ends suffice for two rounds that took 800 more than usual.
      waiting: 2,
      parked: 4,
      unexplained: 4,
      here: { preemptions: 1, waitedNs: 1_000, parks: 2 },
    })
  })

  it('says null for what an end does not tell, and for a peer that is this thread', () => {
    const log = new TailLog()
    log.add(stretch([1]), { here: {}, peer: undefined })
    const nothing = { collections: null, preemptions: null, waitedNs: null, parks: null }
    expect(log.tail(100)).toMatchObject({ here: nothing, peer: null })
  })
})
