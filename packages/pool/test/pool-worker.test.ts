import { supported } from '@strait/posix'
import { expect, it } from 'vitest'
import { ClaimBoard } from '../dist/claims.js'
import { PoolWorker, type WorkerSettings } from '../dist/pool-worker.js'

const settings: WorkerSettings = {
  url: 'unix:',
  entry: new URL('./jobs.mjs', import.meta.url).href,
  initialize: undefined,
  maxJobs: Number.POSITIVE_INFINITY,
  maxMemory: Number.POSITIVE_INFINITY,
  grace: 1_000,
  spawn: { env: process.env },
}

it.skipIf(!supported)(
  'a worker that has been killed is asked what it began before another one takes its place (skipped without the addon)',
  async () => {
    const board = ClaimBoard.create(1)!
    const events: string[] = []
    const release = board.release.bind(board)
    board.release = (address) => {
      events.push('released')
      release(address)
    }
    let ready: PoolWorker | undefined
    const owner = {
      onReady: (worker: PoolWorker) => {
        ready = worker
      },
      onAnswer: () => {},
      takeBack: () => events.push('asked'),
      onEnd: () => events.push('ended'),
    }
    await PoolWorker.start(owner, settings, board, new AbortController().signal)
    process.kill(ready!.pid, 'SIGKILL')
    await ready!.ended
    // What waits for that end has run by then.
    await new Promise((resolve) => setImmediate(resolve))
    expect(events).toEqual(['asked', 'ended', 'released'])
    expect(board.take()).toBeDefined()
    board.close()
  },
)

it.skipIf(!supported)(
  'one that cannot be started gives its place back (skipped without the addon)',
  async () => {
    const board = ClaimBoard.create(1)!
    const owner = { onReady: () => {}, onAnswer: () => {}, takeBack: () => {}, onEnd: () => {} }
    const entry = new URL('./not-there.mjs', import.meta.url).href
    const { signal } = new AbortController()
    await expect(PoolWorker.start(owner, { ...settings, entry }, board, signal)).rejects.toMatchObject({
      code: 'ERR_MODULE_NOT_FOUND',
    })
    await expect(PoolWorker.start(owner, settings, board, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ERR_STRAIT_ABORTED',
    })
    expect(board.take()).toBeDefined()
    board.close()
  },
)
