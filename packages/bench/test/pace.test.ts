import { describe, expect, it } from 'vitest'
import { doubts } from '../dist/doubts.js'
import { Histogram } from '../dist/histogram.js'
import { Pace } from '../dist/pace.js'
import { refuse } from '../dist/part.js'
import { Repeats } from '../dist/repeats.js'

/** What takes so many ns in each repeat. */
function taking(each: readonly number[]): Repeats {
  const repeats = new Repeats()
  for (const ns of each) {
    repeats.begin()
    const durations = new Histogram()
    durations.record(ns)
    repeats.add(durations)
  }
  return repeats
}

const COUNT = 15
/** A machine that is half as fast every other time. */
const DRIFT = Array.from({ length: COUNT }, (_, repeat) => 1 + (repeat % 2))
const STEADY = Array.from({ length: COUNT }, () => 1)
const lanes = (pace: readonly number[], ...ns: number[]) =>
  ns.map((one) => taking(pace.map((each) => one * each)))

describe('the pace of the machine', () => {
  it('is no difference between the repeats of a lane, and is told of itself', () => {
    const all = lanes(DRIFT, 100_000, 200_000, 400_000, 800_000)
    const pace = new Pace(all)
    for (const lane of all) expect(pace.spreadOf(lane)).toBeLessThan(0.01)
    expect(pace.spread()).toBeCloseTo(1, 2)
    expect(doubts(0, [], pace.spread())).toEqual(['the machine itself was now quicker, now slower, by 100 %'])
  })

  it('is nothing to a lane that keeps its own', () => {
    const lane = taking(STEADY.map(() => 300_000))
    const pace = new Pace([...lanes(DRIFT, 100_000, 200_000, 400_000), lane])
    expect(pace.spreadOf(lane)).toBe(0)
  })

  it('hides nothing of a lane that differs by itself', () => {
    const others = lanes(STEADY, 100_000, 200_000, 400_000)
    const lane = taking(DRIFT.map((each) => 300_000 * each))
    const pace = new Pace([...others, lane])
    expect(pace.spreadOf(lane)).toBeCloseTo(1, 2)
    for (const other of others) expect(pace.spreadOf(other)).toBe(0)
    expect(pace.spread()).toBe(0)
  })

  it('is not known from three, of which one may differ by itself', () => {
    const all = lanes(DRIFT, 100_000, 200_000, 400_000)
    const pace = new Pace(all)
    for (const lane of all) expect(pace.spreadOf(lane)).toBeCloseTo(1, 2)
    expect(pace.spread()).toBeNull()
    expect(new Pace([]).spread()).toBeNull()
  })
})

describe('a part of a run', () => {
  const spreads = (noisy: number) =>
    Array.from({ length: 20 }, (_, index) => ({ ratio: index < noisy ? 0.2 : 0.01, what: `lane ${index}` }))

  it('is not to be quoted when more than half of its lanes are noisy', () => {
    expect(doubts(0, spreads(10))).toEqual([])
    expect(doubts(0, spreads(11))).toEqual([
      'repeats differ too much in 11 of 20: most of all lane 0 by 20 %, lane 1 by 20 %, lane 2 by 20 %',
    ])
    expect(doubts(0, [{ ratio: 0.2, what: 'a lane' }])).toEqual([
      'repeats differ too much in 1 of 1: a lane by 20 %',
    ])
  })

  it('is not to be quoted when others were busy', () => {
    expect(doubts(0.26, [])).toEqual(['others kept 0.3 cores busy meanwhile'])
  })

  it('that is not to be quoted has no row that is', () => {
    const rows = [false, true].map((noisy) => ({ url: 'unix:', scheme: 'unix', spread: 0.01, noisy }))
    const noisyOf = (notes: string[]) =>
      refuse(rows, { what: 'hot', paceSpread: null, notes }).rows.map(({ noisy }) => noisy)
    expect(noisyOf([])).toEqual([false, true])
    expect(noisyOf(['others were busy'])).toEqual([true, true])
  })
})
