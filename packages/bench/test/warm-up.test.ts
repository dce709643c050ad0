import { expect, it } from 'vitest'
import { isWarm } from '../dist/warm-up.js'

it('a lane is warm when five stretches in a row are no quicker than those before them', () => {
  expect(isWarm([])).toBe(false)
  expect(isWarm([100, 100, 100, 100, 100])).toBe(false)
  expect(isWarm([100, 100, 100, 100, 100, 100])).toBe(true)
  expect(isWarm([100, 120, 110, 130, 100, 96])).toBe(true)
  expect(isWarm([100, 100, 100, 100, 100, 94])).toBe(false)
  expect(isWarm([500, 94, 100, 100, 100, 100])).toBe(false)
  expect(isWarm([500, 94, 100, 100, 100, 100, 100])).toBe(true)
})
