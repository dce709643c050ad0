import assert from 'node:assert/strict'
import type { Wait } from './player.js'
import { type Group, isWaiting, rejectsWith } from './trial.js'

export function event({ test, mortal, parallel }: Group): void {
  test('releases all who wait when it is set, and whoever comes later', async (trial) => {
    const actors = await trial.actors(3)
    const gun = await trial.make('Event')
    const waits: Wait[] = []
    for (const actor of actors) {
      for (let index = 0; index < 5; index++) waits.push(await actor.begin(gun, 'wait'))
    }
    assert.equal(await actors[1]!.get(gun, 'isSet'), false)
    await isWaiting(...waits)
    await actors[2]!.call(gun, 'set')
    for (const { settled } of waits) assert.equal(await settled, undefined)
    for (const actor of actors) {
      assert.equal(await actor.get(gun, 'isSet'), true)
      await actor.call(gun, 'wait')
    }
  })

  test('releases all who wait even when it is cleared at once', async (trial) => {
    const actors = await trial.actors(3)
    const gun = await trial.make('Event')
    for (let round = 0; round < 20; round++) {
      const waits: Wait[] = []
      for (const actor of actors) waits.push(await actor.begin(gun, 'wait'))
      const setter = actors[round % 3]!
      await setter.together(['call', gun.key, 'set', [], {}], ['call', gun.key, 'clear', [], {}])
      for (const { settled } of waits) await settled
      assert.equal(await actors[0]!.get(gun, 'isSet'), false)
      const late = await actors[0]!.begin(gun, 'wait', { signal: {} })
      await isWaiting(late)
      await late.abort()
      await rejectsWith(late.settled, 'ABORTED')
    }
  })

  test('loses no turn of two who set each other off', async (trial) => {
    const [near, far] = await trial.actors(2)
    const [ping, pong] = [await trial.make('Event'), await trial.make('Event')]
    await near!.has(pong)
    await far!.has(ping)
    const there = await near!.run('relay', ping, { next: pong.key, rounds: 100 })
    const back = await far!.run('relay', pong, { next: ping.key, rounds: 100 })
    await near!.call(ping, 'set')
    await there.settled
    await back.settled
  })

  parallel('waitSync blocks until it is set', async (trial) => {
    const [near, far] = await trial.actors(2)
    const gun = await trial.make('Event')
    const blocked = await far!.begin(gun, 'waitSync')
    await isWaiting(blocked)
    await near!.call(gun, 'set')
    await blocked.settled
  })

  mortal('waitSync gives up after its time', async (trial) => {
    const [, far] = await trial.actors(2)
    const gun = await trial.make('Event')
    const { elapsed } = await rejectsWith(far!.call(gun, 'waitSync', { timeout: 20 }), 'TIMEOUT')
    assert.ok(elapsed >= 19, `after ${elapsed} ms`)
  })

  mortal(
    'stays as it is when whoever set it dies, and releases the others when a waiter dies',
    async (trial) => {
      const [near, far, third] = await trial.actors(3)
      const gun = await trial.make('Event')
      await far!.begin(gun, 'wait')
      const waiting = await near!.begin(gun, 'wait')
      await far!.kill()
      await third!.call(gun, 'set')
      await third!.kill()
      await waiting.settled
      assert.equal(await near!.get(gun, 'isSet'), true)
    },
  )
}
