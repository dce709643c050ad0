import type { Cast } from '../cast.js'
import { aHolds, count, handOver, QUEUEING, RELEASING, type Scenario, SERVED } from './scenario.js'
import { holdMutex, release, section } from './steps.js'

const handMutexOver = async (cast: Cast) => ({
  mutex: await count(handOver(cast, 'mutex', section, release)),
})

export const MUTEX: readonly Scenario[] = [
  {
    name: 'waits for a mutex, is served before another, and releases it',
    points: [...QUEUEING, 'waitMarked', ...SERVED, ...RELEASING, 'monitorLeave:3', 'releaseLeft:3'],
    before: aHolds(holdMutex),
    does: async ({ mutex }) => (await mutex.lock()).release(),
    others: handMutexOver,
  },
  {
    name: 'blocks in a mutex, is served before another, and releases it',
    points: [...QUEUEING, 'waitMarked', 'blockWoken', 'drainTaken', ...RELEASING],
    before: aHolds(holdMutex),
    does: ({ mutex }) => mutex.lockSync().release(),
    others: handMutexOver,
  },
  {
    name: 'gives up waiting for a mutex',
    points: ['cancelRemoved', 'monitorLeave:2', 'releaseLeft:2'],
    before: aHolds(holdMutex),
    does: async ({ mutex }) => {
      const abort = new AbortController()
      const locked = mutex.lock({ signal: abort.signal })
      abort.abort()
      await locked.catch(() => {})
    },
    async others(cast) {
      const { a, b, view } = cast
      const next = b.run(section)
      await cast.until('b waits', () => view.waiting('mutex', b.pid) === 1)
      await cast.death
      await a.run(release)
      return { mutex: await count(next) }
    },
  },
  {
    name: 'gives up waiting for a mutex that has just been offered to it',
    points: ['cancelRemoved', 'releaseLeft:2'],
    before: aHolds(holdMutex),
    does: async ({ mutex, block }) => {
      const abort = new AbortController()
      const locked = mutex.lock({ signal: abort.signal })
      block(() => !mutex.locked)
      abort.abort()
      await locked.catch(() => {})
    },
    others: handMutexOver,
  },
  {
    name: 'is too busy to take the mutex that it waits for',
    points: ['passedOn'],
    before: aHolds(holdMutex),
    does: ({ mutex, block, kept }) => {
      kept.locked = mutex.lock()
      block(() => false)
    },
    others: handMutexOver,
  },
  {
    name: 'is told that the owner before it has died',
    points: [...SERVED],
    async before(cast) {
      const owner = await cast.another()
      await cast.enter(cast.a, cast.b, cast.victim, owner)
      await owner.run(holdMutex)
    },
    does: async ({ mutex, kept }) => {
      kept.guard = await mutex.lock()
    },
    async others(cast) {
      const { b, victim, view, death } = cast
      await cast.until('the victim waits', () => view.waiting('mutex', victim.pid) === 1)
      const next = b.run(section)
      await cast.until('b waits', () => view.waiting('mutex', b.pid) === 1)
      await cast.besides[0]!.kill()
      // Where b was quicker, it has been told of that death, and the victim's is another one.
      const { heldWhole } = await death
      return { mutex: (await count(next)) - Number(heldWhole) }
    },
  },
]
