import { bothWait, QUEUEING, type Scenario } from './scenario.js'
import { awaited, startEvent } from './steps.js'

export const EVENT: readonly Scenario[] = [
  {
    name: 'sets an event for which the others wait',
    points: ['monitorEnter', 'eventSet', 'granted', 'granted:2', 'monitorLeave', 'releaseLeft'],
    before: (cast) => bothWait(cast, 'event', startEvent),
    does: ({ event }) => event.set(),
    async others({ a, b, death }) {
      // Set is set: then nobody else must do it.
      if (!(await death).wasSet) await a.run(({ event }) => event.set())
      await Promise.all([a.run(awaited), b.run(awaited)])
      return {}
    },
  },
  {
    name: 'sets an event and clears it at once',
    points: ['monitorEnter:2', 'releaseLeft:2'],
    before: (cast) => bothWait(cast, 'event', startEvent),
    does: ({ event }) => {
      event.set()
      event.clear()
    },
    async others({ a, b, death }) {
      if (!(await death).wasSet) await a.run(({ event }) => event.set())
      await Promise.all([a.run(awaited), b.run(awaited)])
      return {}
    },
  },
  {
    name: 'waits for an event',
    points: [...QUEUEING, 'monitorEnter:2', 'monitorLeave:2', 'releaseLeft:2'],
    does: ({ event }) => event.wait(),
    async others(cast) {
      const { a, b, victim, view } = cast
      await cast.until('the victim waits', () => view.waiting('event', victim.pid) === 1)
      await b.run(startEvent)
      await a.run(({ event }) => event.set())
      await b.run(awaited)
      return {}
    },
  },
]
