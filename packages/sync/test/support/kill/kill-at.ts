import { rmSync } from 'node:fs'
import { expect } from 'vitest'
import { type Cast, type Troupe, unique } from './cast.js'
import { within } from './guard.js'
import { regionFile } from './region-view.js'
import type { Scenario } from './scenarios/scenario.js'
import { isSound } from './soundness.js'

/** So long after everything is done its keeper may still come by, ms. */
const GRACE = 200

/** The point without the number, and how many times it is come by before the victim stops. */
export function parsePoint(text: string): [point: string, nth: number] {
  const [point = '', nth = '1'] = text.split(':')
  return [point, Number(nth)]
}

export interface KillOptions {
  /** The victim comes by for sure, so that there is no end to be waited for. */
  readonly strict?: boolean
}

/**
 * Plays the scenario, stops the victim at this point, kills it there, and looks at what has become of the others and of
 * the region. Whether the victim has come by; otherwise it is killed all the same, when it has done everything.
 */
export async function killAt(
  troupe: Troupe,
  scenario: Scenario,
  text: string,
  { strict = true }: KillOptions = {},
): Promise<boolean> {
  const cast = await troupe.cast(unique())
  try {
    const came = await play(cast, scenario, parsePoint(text), strict)
    cast.end()
    return came
  } catch (error) {
    cast.end()
    await troupe.dismiss()
    rmSync(`/dev/shm/${regionFile(cast.region)}`, { force: true })
    throw error
  }
}

async function play(
  cast: Cast,
  scenario: Scenario,
  [point, nth]: readonly [string, number],
  strict: boolean,
): Promise<boolean> {
  const { a, b, victim, region } = cast
  if (scenario.before === undefined) await cast.enter(a, b, victim)
  else await scenario.before(cast)
  const armed = await victim.run(({ native }, point, nth) => native.syncStopAt(point, nth), point, nth)
  expect([point, armed]).toEqual([point, 0])

  const { does } = scenario
  const done = does === undefined ? new Promise(() => {}) : victim.run(does, region)
  const others = scenario.others?.(cast)
  others?.catch(() => {})
  const over = strict || others === undefined ? done : Promise.race([done, others])
  const came = await within(`${scenario.name}: ${point}`, stopsBefore(victim, over))
  if (!came) await victim.freeze()
  const death = cast.look(scenario.alone)
  await victim.kill()

  const told = (await others) ?? {}
  if (scenario.alone) await cast.enter(a, b)
  else expect(scenario.permits ?? [2]).toContain(death.total)
  await isSound(
    cast,
    death,
    scenario.deaths ?? { mutex: Number(death.mutex), write: Number(death.write) },
    told,
  )
  return came
}

/** Whether it stops before it has done everything. What its keeper does may come a little later. */
async function stopsBefore(victim: Cast['victim'], done: Promise<unknown>): Promise<boolean> {
  const stopped = victim.stop().then(() => true)
  const over = done.then(async () => {
    await new Promise((resolve) => setTimeout(resolve, GRACE))
    return false
  })
  return await Promise.race([stopped, over])
}
