import { aHolds, handOver, QUEUEING, RELEASING, type Scenario, SERVED } from './scenario.js'
import { awaited, holdPermits, releasePermits, startPermit } from './steps.js'

export const SEMAPHORE: readonly Scenario[] = [
  {
    name: 'waits for a permit, gets one, and gives it back',
    points: [...QUEUEING, 'waitMarked', ...SERVED, 'takeStarted', 'takeDone', ...RELEASING, 'releaseLeft:3'],
    before: aHolds(holdPermits),
    does: async ({ semaphore }) => (await semaphore.acquire()).release(),
    async others(cast) {
      await handOver(
        cast,
        'semaphore',
        async ({ semaphore }) => (await semaphore.acquire()).release(),
        ({ kept }) => kept.permits.pop().release(),
      )
      await cast.a.run(releasePermits)
      return {}
    },
  },
  {
    name: 'gives up waiting for a permit',
    points: ['cancelRemoved', 'releaseLeft:2'],
    before: aHolds(holdPermits),
    does: async ({ semaphore }) => {
      const abort = new AbortController()
      const acquired = semaphore.acquire({ signal: abort.signal })
      abort.abort()
      await acquired.catch(() => {})
    },
    async others({ a, b, death }) {
      await b.run(startPermit)
      await death
      await a.run(releasePermits)
      await b.run(awaited)
      return {}
    },
  },
  {
    name: 'takes a permit for good',
    points: ['takeStarted', 'takeDone', 'monitorEnter:2', 'forgetTotal', 'monitorLeave:2', 'releaseLeft:2'],
    does: ({ semaphore }) => semaphore.tryAcquire()!.forget(),
    permits: [1, 2],
  },
  {
    name: 'adds a permit for which somebody waits',
    points: ['monitorEnter', 'addDone', 'monitorLeave', 'releaseLeft'],
    async before(cast) {
      await aHolds(holdPermits)(cast)
      await cast.b.run(startPermit)
      await cast.until('b waits', () => cast.view.waiting('semaphore') === 1)
    },
    does: ({ semaphore }) => semaphore.release(),
    async others({ a, b, death }) {
      // What has been added is for who waits, whether or not the one who has added it lives.
      if ((await death).total < 3) await a.run(releasePermits)
      await b.run(awaited)
      await a.run(releasePermits)
      return {}
    },
    permits: [2, 3],
  },
]
