import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
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

it.skipIf(!supported)('of a thread close no descriptor that others have had since', async () => {
  const board = ClaimBoard.create(1)!
  const { address } = board.take()!
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.claims).then(({ Claims }) => {
      Claims.open(workerData.address).close()
      parentPort.on('message', () => parentPort.close())
      parentPort.postMessage('closed')
    })`
  const claims = new URL('../dist/claims.js', import.meta.url).href
  const worker = new Worker(source, { eval: true, workerData: { claims, address } })
  await once(worker, 'message')
  // One of them has the number that the claims had.
  const descriptors = Array.from({ length: 32 }, () => openSync('/dev/null', 'r'))
  worker.postMessage('end')
  await once(worker, 'exit')
  board.close()
  // EBADF where it has been closed.
  for (const descriptor of descriptors) closeSync(descriptor)
})
