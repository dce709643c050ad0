import { expect } from 'vitest'
import type { Cast, Death } from './cast.js'
import { until } from './guard.js'
import { leftovers } from './region-view.js'
import { count, type Told } from './scenarios/scenario.js'
import { holdRead, reading, release, writing } from './scenarios/steps.js'

const ROUNDS = 10

/**
 * What must be true of a region after a death, of each of its primitives: nobody hangs, no permit is lost or invented,
 * whoever comes next is told once, and everything works as before. Leaves the region, which goes then.
 */
export async function isSound(cast: Cast, death: Death, deaths: Required<Told>, told: Told): Promise<void> {
  const { a, b, view, region } = cast
  const { mutex: locked = 0, write: written = 0 } = told
  await cast.buried()
  expect({ mutex: locked + (await rounds(cast)), write: written + (await readingAndWriting(cast)) }).toEqual(
    deaths,
  )
  await hasPermits(cast, death.total)
  await eventWorks(cast)
  await conditionWorks(cast)
  expect(view.broken).toBe(death.barrier)
  await barrierWorks(cast)
  for (const name of ['mutex', 'semaphore', 'event', 'condition', 'barrier', 'rwlock']) {
    expect([name, view.waiting(name)]).toEqual([name, 0])
  }
  for (const actor of [a, b]) expect(await actor.run(({ check }) => check())).toBe(0)
  for (const actor of [a, b]) await actor.run(({ region }) => region.close())
  expect(leftovers(region)).toEqual([])
}

/** Both at once; how often they were told of a death. */
async function rounds({ a, b }: Cast): Promise<number> {
  const sections = (actor: Cast['a']) =>
    actor.run(async ({ section, mutex }, rounds) => {
      let told = 0
      for (let round = 0; round < rounds; round++) {
        if (await section()) told++
        const guard = mutex.lockSync()
        if (guard.ownerDied) {
          told++
          guard.markConsistent()
        }
        guard.release()
      }
      return told
    }, ROUNDS)
  const [first, second] = await Promise.all([sections(a), sections(b)])
  return first + second
}

async function readingAndWriting({ a, b }: Cast): Promise<number> {
  const told = await count(a.run(reading), b.run(writing), b.run(reading), a.run(writing))
  // Readers are not in each other's way.
  await a.run(holdRead)
  await b.run(holdRead)
  await Promise.all([a.run(release), b.run(release)])
  return told
}

/** Exactly so many can be had. */
async function hasPermits({ a, b }: Cast, total: number): Promise<void> {
  const seen = await a.run(async ({ semaphore }, total) => {
    const permits = []
    while (permits.length < total) permits.push(await semaphore.acquire())
    const more = semaphore.tryAcquire()
    more?.release()
    const { value } = semaphore
    for (const permit of permits) permit.release()
    return { more: more !== undefined, value }
  }, total)
  expect(seen).toEqual({ more: false, value: 0 })
  expect(await b.run(({ semaphore }) => semaphore.value)).toBe(total)
}

async function eventWorks({ a, b }: Cast): Promise<void> {
  await a.run(({ event }) => event.clear())
  const set = b.run(({ event }) => event.wait())
  await a.run(({ event }) => event.set())
  await set
}

async function conditionWorks({ a, b, view }: Cast): Promise<void> {
  const notified = b.run(async ({ mutex, condition }) => {
    const guard = await mutex.lock()
    await condition.wait(guard)
    guard.release()
  })
  await until('b waits for a notice', () => view.waiting('condition') === 1)
  await a.run(({ condition }) => condition.notify())
  await notified
}

async function barrierWorks({ a, b }: Cast): Promise<void> {
  await a.run(({ barrier }) => barrier.reset())
  const arrive = ({ barrier }: { barrier: { wait(): Promise<number> } }) => barrier.wait()
  for (let round = 0; round < 2; round++) {
    const indices = await Promise.all([a.run(arrive), a.run(arrive), b.run(arrive)])
    expect(indices.sort()).toEqual([0, 1, 2])
  }
}
