import { expect } from 'vitest'
import { until } from '../guard.js'
import { count, type Scenario } from './scenario.js'
import { awaited, holdMutex, holdWrite, release, section, writing } from './steps.js'

export const REGION: readonly Scenario[] = [
  {
    name: 'attaches to a region',
    points: ['monitorEnter', 'attachListed', 'attachLived', 'attachRung', 'monitorLeave', 'releaseLeft'],
    before: (cast) => cast.enter(cast.a, cast.b),
    does: ({ enter }, region) => enter(region),
    others: async (cast) => {
      const { b, victim, view } = cast
      await cast.death
      await victim.ended
      // Whoever comes next is watched all the same.
      const newcomer = await cast.another()
      await cast.enter(newcomer)
      await newcomer.run(holdMutex)
      const next = b.run(section)
      await until('b waits', () => view.waiting('mutex', b.pid) === 1)
      await newcomer.kill()
      expect(await next).toBe(true)
      return {}
    },
  },
  {
    name: 'leaves a region, with what it holds',
    points: [
      'monitorEnter',
      'reapWaiters',
      'reapOwned',
      'reapHeld',
      'detachStripped',
      'reapFreed',
      'releaseLeft',
    ],
    before: async (cast) => {
      const { a, b, victim } = cast
      const behind = await cast.another()
      // Each watches the next one.
      await cast.enter(a, victim, behind, b)
      await victim.run(async ({ mutex, semaphore, kept }) => {
        kept.guard = await mutex.lock()
        kept.permit = await semaphore.acquire()
      })
      await behind.run(holdWrite)
      await a.run(({ kept, writing }) => {
        kept.waiting = writing()
      })
      await b.run(({ kept, section }) => {
        kept.waiting = section()
      })
      await cast.until('both wait', () => cast.view.waiting('mutex') + cast.view.waiting('rwlock') === 2)
    },
    does: ({ region }) => region.close(),
    others: async ({ a, b, victim, death, besides }) => {
      await death
      await victim.ended
      // Whoever the victim has watched is watched all the same.
      await besides[0]!.kill()
      return { mutex: await count(b.run(awaited)), write: await count(a.run(awaited)) }
    },
    deaths: { mutex: 1, write: 1 },
  },
  {
    name: 'is the last one to leave a region',
    points: ['monitorEnter', 'detachStripped', 'detachRetired', 'reapFreed', 'releaseLeft'],
    before: (cast) => cast.enter(cast.victim),
    does: ({ region }) => region.close(),
    alone: true,
  },
  {
    name: 'takes a dead one out of the region',
    points: [
      'reapSeen',
      'reapEnded',
      'reapWaiters',
      'reapOwned',
      'reapHeld',
      'rebuildLists',
      'reapFreed',
      'monitorLeave',
    ],
    async before(cast) {
      const { a, b, victim } = cast
      const dead = await cast.another()
      // Each watches the next one.
      await cast.enter(victim, dead, a, b)
      await dead.run(async ({ mutex, rwlock, semaphore, barrier, event, kept }) => {
        kept.held = [await mutex.lock(), await rwlock.write(), await semaphore.acquire()]
        kept.waiting = [barrier.wait(), event.wait()]
      })
    },
    async others(cast) {
      const { a, b, view, besides } = cast
      const [locked, written] = [a.run(section), b.run(writing)]
      await cast.until('both wait', () => view.waiting('mutex') + view.waiting('rwlock') === 2)
      await besides[0]!.kill()
      return { mutex: await count(locked), write: await count(written) }
    },
    deaths: { mutex: 1, write: 1 },
  },
  {
    name: 'mends what somebody has left half done who was killed',
    points: ['rebuildLists', 'monitorLeave', 'releaseLeft'],
    async before(cast) {
      const { a, b, victim } = cast
      const dead = await cast.another()
      await cast.enter(a, b, victim, dead)
      await a.run(holdMutex)
      await dead.run(({ native }) => native.syncStopAt('waitQueued', 1))
      dead.run(section).catch(() => {})
      await dead.stop()
    },
    does: ({ semaphore }) => semaphore.tryAcquire(),
    async others(cast) {
      const { a, b, victim, view, besides } = cast
      await cast.until('it waits for the monitor', () => view.monitorAwaited && victim.sleeps)
      await besides[0]!.kill()
      const next = b.run(section)
      await a.run(release)
      return { mutex: await count(next) }
    },
  },
  {
    name: 'waits for the monitor',
    points: ['monitorSleep', 'monitorWoken', 'monitorWake'],
    async before(cast) {
      const { a, b, victim } = cast
      await cast.enter(a, b, victim)
      await b.run(holdMutex)
      await a.run(({ native }) => native.syncStopAt('waitQueued', 1))
      await a.run(({ section, kept }) => {
        // In the next turn, so that this one is answered.
        kept.waiting = new Promise((resolve) => setImmediate(() => resolve(section())))
      })
      await a.stop()
    },
    does: ({ semaphore }) => semaphore.tryAcquire(),
    async others(cast) {
      const { a, b, victim, view } = cast
      await cast.until('it waits for the monitor', () => view.monitorAwaited && victim.sleeps)
      a.continue()
      const told = a.run(({ kept }) => kept.waiting as Promise<boolean>)
      await b.run(release)
      return { mutex: await count(told) }
    },
  },
]
