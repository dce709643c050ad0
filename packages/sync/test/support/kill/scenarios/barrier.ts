import { expect } from 'vitest'
import type { Actor } from '../actor.js'
import type { Cast } from '../cast.js'
import { bothWait, QUEUEING, type Scenario, type Told } from './scenario.js'
import { awaited, startBarrier } from './steps.js'

type Outcome = number | string

/** Once both have arrived: who waits gets through, or is told that a party has died, and nobody is left. */
async function goesOn({ a, b, death }: Cast): Promise<Told> {
  const waiting = [a, b].map((actor: Actor): Promise<Outcome> => actor.run(awaited))
  const { opened, barrier: arrived } = await death
  const third = opened || arrived ? [] : [a.run(({ barrier }): Promise<Outcome> => barrier.wait())]
  const outcomes = await Promise.all([...waiting, ...third])
  // A party that has arrived and dies is there, until its death is noticed.
  if (!arrived || outcomes.some((outcome) => typeof outcome === 'number')) {
    expect(new Set(outcomes).size).toBe(outcomes.length)
    for (const outcome of outcomes) expect([0, 1, 2]).toContain(outcome)
  } else {
    expect(outcomes).toEqual(['ERR_STRAIT_OWNER_DIED', 'ERR_STRAIT_OWNER_DIED'])
  }
  return {}
}

export const BARRIER: readonly Scenario[] = [
  {
    name: 'is the last one to arrive at a barrier',
    points: ['monitorEnter', 'barrierOpened', 'granted', 'granted:2', 'monitorLeave', 'releaseLeft'],
    before: (cast) => bothWait(cast, 'barrier', startBarrier),
    does: ({ barrier }) => barrier.wait(),
    others: goesOn,
  },
  {
    name: 'is the first one to arrive at a barrier',
    points: [...QUEUEING, 'monitorEnter:2', 'monitorLeave:2', 'releaseLeft:2'],
    does: ({ barrier }) => barrier.wait(),
    async others(cast) {
      const { a, b, victim, view } = cast
      await cast.until('the victim waits', () => view.waiting('barrier', victim.pid) === 1)
      await Promise.all([a.run(startBarrier), b.run(startBarrier)])
      return await goesOn(cast)
    },
  },
  {
    name: 'takes its arrival at a barrier back',
    points: ['cancelRemoved', 'monitorLeave:2', 'releaseLeft:2'],
    does: async ({ barrier }) => {
      const abort = new AbortController()
      const passed = barrier.wait({ signal: abort.signal })
      abort.abort()
      await passed.catch(() => {})
    },
  },
]
