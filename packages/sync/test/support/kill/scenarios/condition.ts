import { until } from '../guard.js'
import { bothWait, count, QUEUEING, RELEASING, type Scenario, SERVED } from './scenario.js'
import { awaited, section, startNotice } from './steps.js'

const LEAVING = ['monitorLeave', 'releaseLeft'] as const

export const CONDITION: readonly Scenario[] = [
  {
    name: 'notifies one who waits for a condition',
    points: ['monitorEnter', 'notifyMoved', ...LEAVING, ...RELEASING, 'releaseLeft:2'],
    before: (cast) => bothWait(cast, 'condition', startNotice),
    does: async ({ mutex, condition }) => {
      const guard = await mutex.lock()
      condition.notify()
      guard.release()
    },
    async others({ a, b, death }) {
      const waiting = [a.run(awaited), b.run(awaited)]
      let told = 0
      // An owner that dies wakes both. One that has notified and released has woken one.
      if (!(await death).mutex) {
        await Promise.race(waiting)
        told = await count(
          a.run(async ({ mutex, condition }) => {
            const guard = await mutex.lock()
            const told = guard.ownerDied
            if (told) guard.markConsistent()
            condition.notifyAll()
            guard.release()
            return told
          }),
        )
      }
      return { mutex: told + (await count(...waiting)) }
    },
  },
  {
    name: 'notifies all who wait for a condition',
    points: ['monitorEnter', 'notifyAll', 'notifyMoved', 'notifyMoved:2', ...LEAVING, ...RELEASING],
    before: (cast) => bothWait(cast, 'condition', startNotice),
    does: async ({ mutex, condition }) => {
      const guard = await mutex.lock()
      condition.notifyAll()
      guard.release()
    },
    others: async ({ a, b }) => ({ mutex: await count(a.run(awaited), b.run(awaited)) }),
  },
  {
    name: 'waits for a condition, and is notified',
    points: [
      ...QUEUEING.filter((point) => point !== 'waitQueued'),
      'conditionQueued',
      ...RELEASING,
      ...SERVED,
    ],
    does: async ({ mutex, condition, event }) => {
      const guard = await mutex.lock()
      await condition.wait(guard)
      // It has followed its notice. Says so while a death would be told.
      event.set()
      guard.release()
    },
    async others(cast) {
      const { a, b, victim, view, death } = cast
      await cast.until('the victim waits', () => view.waiting('condition', victim.pid) === 1)
      await b.run(startNotice)
      await until('b waits behind it', () => view.waiting('condition', b.pid) === 1)
      const notified = a.run(async ({ mutex, condition }) => {
        const guard = await mutex.lock()
        const told = guard.ownerDied
        if (told) guard.markConsistent()
        condition.notify()
        guard.release()
        return told
      })
      // Otherwise the one notice that there is goes on to b, or the death is told.
      if ((await death).wasSet) await a.run(({ condition }) => condition.notifyAll())
      return { mutex: await count(notified, b.run(awaited)) }
    },
  },
  {
    name: 'gives up waiting for a condition',
    points: ['monitorEnter:2', 'notifyMoved', 'monitorLeave:2', 'releaseLeft:2'],
    does: async ({ mutex, condition }) => {
      const abort = new AbortController()
      const guard = await mutex.lock()
      const notified = condition.wait(guard, { signal: abort.signal })
      abort.abort()
      await notified.catch(() => {})
      guard.release()
    },
    others: async ({ b }) => ({ mutex: await count(b.run(section)) }),
  },
]
