import { expect, it } from 'vitest'
import { Rounds } from '../dist/rounds.js'

it('rounds are all kept, however many there are, until the next stretch', () => {
  const rounds = new Rounds()
  for (let count = 0; count < 300_000; count++) rounds.add(count, count + (count === 7 ? 50 : 10))
  expect(rounds.count).toBe(300_000)
  expect(rounds.durations().quantiles()).toMatchObject({ p50: 10, max: 50 })
  expect([...rounds.longerThan(10)]).toEqual([[7, 57]])
  rounds.clear()
  rounds.add(1, 3)
  expect(rounds.count).toBe(1)
  expect(rounds.durations().quantiles().max).toBe(2)
})
