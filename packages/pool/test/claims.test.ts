import { supported } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClaimBoard, Claims } from '../dist/claims.js'

describe.skipIf(!supported)('the claims of a worker (skipped without the addon)', () => {
  let board: ClaimBoard
  let pool: Claims
  let worker: Claims

  beforeEach(() => {
    board = ClaimBoard.create(1)!
    const place = board.take()!
    pool = place.claims
    worker = Claims.open(place.address)!
  })
  afterEach(() => {
    worker.close()
    board.close()
  })

  it('are begun in order, each once', () => {
    expect([worker.claim(1), worker.claim(1), worker.claim(3), worker.claim(2)]).toEqual([
      true,
      false,
      false,
      true,
    ])
    expect(pool.begun).toBe(2)
  })

  it('are begun or taken back, never both', () => {
    worker.claim(1)
    expect(pool.takeBack(3)).toBe(1)
    expect([worker.claim(2), worker.claim(3), worker.claim(4)]).toEqual([false, false, true])
  })

  it('are not there again when the pool takes back once more, before it has seen the answers', () => {
    worker.claim(1)
    worker.claim(2)
    // The last one that the pool still has there is 2 then.
    expect(pool.takeBack(3)).toBe(2)
    expect(pool.takeBack(2)).toBe(3)
    expect([worker.claim(3), worker.claim(4)]).toEqual([false, true])
  })

  it('go on from 0 when their numbers are used up', () => {
    const last = 2 ** 32 - 1
    pool.takeBack(2 ** 31 - 1)
    pool.takeBack(last - 1)
    expect([worker.claim(last), worker.claim(0)]).toEqual([true, true])
    expect(pool.takeBack(last)).toBe(0)
    expect(pool.takeBack(2)).toBe(0)
    expect([worker.claim(1), worker.claim(2), worker.claim(3)]).toEqual([false, false, true])
  })
})
