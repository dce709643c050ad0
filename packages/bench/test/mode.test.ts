import { expect, it } from 'vitest'
import { waitStrategyOf } from '../dist/index.js'

it('the wait strategy is what stands in the address, adaptive where nothing does, and null where there is none', () => {
  expect(waitStrategyOf('shm:?wait=spin')).toBe('spin')
  expect(waitStrategyOf('shm:?ring=4096&wait=park')).toBe('park')
  expect(waitStrategyOf('shm:?ring=4096')).toBe('adaptive')
  expect(waitStrategyOf('shm:')).toBe('adaptive')
  expect(waitStrategyOf('unix:')).toBeNull()
})
