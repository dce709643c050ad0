import { native } from '@strait/posix'
import { afterAll, describe, expect, it } from 'vitest'
import { Troupe } from './support/kill/cast.js'
import { killAt, parsePoint } from './support/kill/kill-at.js'
import { SCENARIOS } from './support/kill/scenarios/index.js'

/**
 * Where a core is late, another is offered the lock as well and is quicker, and the victim comes by fewer points. Everybody
 * must go on in such a play as in any other; then the next one is for the point.
 */
const PLAYS = 10

const troupe = new Troupe()
afterAll(() => troupe.end())

it('there is a scenario for each point at which a process can be killed', () => {
  const played = new Set(SCENARIOS.flatMap(({ points }) => points.map((text) => parsePoint(text)[0])))
  expect([...played].sort()).toEqual(native().syncPoints().sort())
})

describe.each(SCENARIOS)('one that $name can be killed', (scenario) => {
  it.each(scenario.points)('at %s, and everybody else goes on', async (point) => {
    let came = false
    for (let play = 0; !came && play < PLAYS; play++) came = await killAt(troupe, scenario, point)
    expect(came).toBe(true)
  })
})

describe.runIf(process.env.STRAIT_SOAK !== undefined)(
  'at whichever point, and whichever time it comes by',
  () => {
    it.each(SCENARIOS)('one that $name can be killed', async (scenario) => {
      let kills = 0
      for (const point of native().syncPoints()) {
        for (let nth = 1; nth <= 4; nth++) {
          if (!(await killAt(troupe, scenario, `${point}:${nth}`, { strict: false }))) break
          kills++
        }
      }
      console.log(`locks: one that ${scenario.name}: ${kills} kills`)
      expect(kills).toBeGreaterThan(0)
    })
  },
)
