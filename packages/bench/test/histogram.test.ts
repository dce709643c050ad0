import { describe, expect, it } from 'vitest'
import { Histogram } from '../dist/index.js'

const close = (value: number) => ({
  asymmetricMatch: (other: number) => Math.abs(other / value - 1) < 0.002,
  toString: () => `about ${value}`,
})

describe('a histogram', () => {
  it('has the quantiles of what was recorded, to three figures', () => {
    const histogram = new Histogram()
    for (let ns = 1; ns <= 10_000; ns++) histogram.record(ns * 1000)
    expect(histogram.count).toBe(10_000)
    expect(histogram.quantiles()).toEqual({
      p50: close(5_000_000),
      p90: close(9_000_000),
      p99: close(9_900_000),
      p999: close(9_990_000),
      max: close(10_000_000),
      mean: close(5_000_500),
    })
  })

  it('takes what another one has recorded', () => {
    const [one, other] = [new Histogram(), new Histogram()]
    one.record(10)
    other.record(1000)
    one.add(other)
    expect(one.count).toBe(2)
    expect(one.quantiles()).toMatchObject({ p50: close(10), max: close(1000) })
  })

  it('takes a duration that the clock could not see', () => {
    const histogram = new Histogram()
    histogram.record(0)
    expect(histogram.quantiles().max).toBe(1)
  })

  it('rounds to whole ns', () => {
    const histogram = new Histogram()
    histogram.record(99.6)
    expect(histogram.quantiles().max).toBe(100)
  })

  it('tells how durations are distributed, each in the bin that ends above it', () => {
    const histogram = new Histogram()
    for (const ns of [1, 1, 99, 1000, 1001, 1050]) histogram.record(ns)
    const other = new Histogram()
    other.record(1000)
    histogram.add(other)
    expect(histogram.distribution()).toEqual([
      [1, 2],
      [100, 1],
      [1000, 2],
      [1049, 1],
      [1100, 1],
    ])
  })
})
