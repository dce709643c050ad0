import { describe, expect, it } from 'vitest'
import { spreadOf } from '../dist/spread.js'

const repeats = (count: number, ...others: number[]) => [
  ...Array.from({ length: count - others.length }, () => 100),
  ...others,
]

describe('the spread of repeats', () => {
  it.each([1, 2, 5, 7])('is that of all, of %d', (count) => {
    expect(spreadOf(repeats(count, 150))).toBe(count === 1 ? 0 : 0.5)
  })

  it.each([
    [8, 1],
    [10, 1],
    [11, 2],
    [15, 3],
    [25, 7],
  ])('of %d does not count %d on either side, but one more', (count, beyond) => {
    const far = (side: number, more: number) => Array.from({ length: beyond + more }, () => side)
    expect(spreadOf(repeats(count, ...far(1, 0), ...far(1000, 0)))).toBe(0)
    expect(spreadOf(repeats(count, ...far(1000, 1)))).toBe(9)
    expect(spreadOf(repeats(count, ...far(50, 1)))).toBe(1)
  })

  it('finds what is now quick, now slow', () => {
    expect(spreadOf(Array.from({ length: 15 }, (_, index) => 100 + 30 * (index % 2)))).toBe(0.3)
  })

  it('has the median of the source nine times of ten', () => {
    // A generator of its own, so that it is the same every time.
    let state = 1
    const random = () => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    }
    let has = 0
    for (let run = 0; run < 2000; run++) {
      const sorted = Array.from({ length: 15 }, () => 100 * random() ** 3 + 1).sort((a, b) => a - b)
      const lower = sorted[3]!
      expect(spreadOf(sorted)).toBeCloseTo((sorted[11]! - lower) / lower, 10)
      const median = 100 * 0.5 ** 3 + 1
      if (lower <= median && median <= sorted[11]!) has++
    }
    expect(has / 2000).toBeGreaterThan(0.9)
  })
})
