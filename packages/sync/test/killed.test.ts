import { expect, it } from 'vitest'
import { random } from '../../core/test/support/random.js'
import { Battle } from './support/kill/battle.js'

const KILLS = Number(process.env.STRAIT_KILLS ?? 20)
const SEED = Number(process.env.STRAIT_SEED ?? 1)
const SIZE = 4

it(`${KILLS} processes that use every primitive at once are killed, and everybody else goes on`, async () => {
  const battle = new Battle(SEED)
  const next = random(SEED)
  try {
    await battle.begin(SIZE)
    for (let kill = 1; kill <= KILLS; kill++) {
      battle.prepare()
      await new Promise((resolve) => setTimeout(resolve, next() * 10))
      await battle.kill(Math.floor(next() * SIZE), next() < 0.5)
      await battle.goesOn()
      if (kill % 100 === 0) console.log(`locks: ${kill} of ${KILLS} kills, seed ${SEED}`)
    }
    const told = await battle.end()
    console.log(`locks: ${KILLS} kills, seed ${SEED}: ${told}`)
    expect(told).toContain('deaths told')
  } finally {
    await battle.clear()
  }
})

it('one that gets no processor for a second is not said to starve, and goes on when it does', async () => {
  const battle = new Battle(SEED)
  try {
    await battle.begin(SIZE)
    await battle.holdStill(0, 1000)
    await battle.goesOn()
    expect(await battle.end()).toContain('deaths told: 0')
  } finally {
    await battle.clear()
  }
})
