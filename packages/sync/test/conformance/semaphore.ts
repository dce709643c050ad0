import assert from 'node:assert/strict'
import type { Held } from './player.js'
import { type Group, isWaiting, rejectsWith } from './trial.js'

export function semaphore({ test, mortal, parallel }: Group): void {
  for (const type of ['Semaphore', 'BoundedSemaphore'] as const) {
    test(`a ${type} of three lets three in at a time, and no more`, async (trial) => {
      const actors = await trial.actors(3)
      const permits = await trial.make(type, 3)
      const counter = trial.word(3)
      const hammers = await Promise.all(
        actors.map((actor) =>
          actor.run('hammer', permits, { method: 'acquire', rounds: 60, counter, tasks: 3 }),
        ),
      )
      for (const { settled } of hammers) await settled
      assert.ok(trial.words[counter + 2]! <= 3, `${trial.words[counter + 2]} were inside`)
      assert.equal(trial.words[counter + 1], 0)
      assert.equal(await actors[0]!.get(permits, 'value'), 3)
    })

    test(`a permit of a ${type} can be tried for, and comes back once`, async (trial) => {
      const [near, far] = await trial.actors(2)
      const permits = await trial.make(type, 2)
      const first = await far!.take(permits, 'tryAcquire')
      const second = await near!.take(permits, 'acquire')
      assert.equal(await near!.get(permits, 'value'), 0)
      assert.equal(await far!.call(permits, 'tryAcquire'), undefined)
      await first.release()
      await first.release()
      assert.equal(await near!.get(permits, 'value'), 1)
      await second.release()
      assert.equal(await far!.get(permits, 'value'), 2)
    })
  }

  test('release adds permits that nobody held, and wakes as many', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('Semaphore', 0)
    const waits = []
    for (let index = 0; index < 3; index++) waits.push(await far!.begin(permits, 'acquire'))
    await isWaiting(...waits)
    await near!.call(permits, 'release', { args: [2] })
    await waits[0]!.held
    await waits[1]!.held
    await isWaiting(waits[2]!)
    await near!.call(permits, 'release')
    await waits[2]!.held
    assert.equal(await near!.get(permits, 'value'), 0)
  })

  test('what is forgotten does not come back', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('Semaphore', 2)
    const held = await far!.take(permits, 'acquire')
    await held.forget()
    assert.equal(await held.held, false)
    await held.release()
    await held.forget()
    assert.equal(await near!.get(permits, 'value'), 1)
  })

  test('a bounded one refuses more than it began with, and adds none of them', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('BoundedSemaphore', 2)
    await rejectsWith(near!.call(permits, 'release'), 'RangeError')
    const held = await far!.take(permits, 'acquire')
    await rejectsWith(near!.call(permits, 'release'), 'RangeError')
    await held.forget()
    await rejectsWith(near!.call(permits, 'release', { args: [2] }), 'RangeError')
    assert.equal(await near!.get(permits, 'value'), 1)
    await near!.call(permits, 'release')
    assert.equal(await far!.get(permits, 'value'), 2)
  })

  test('refuses numbers that are none', async (trial) => {
    const [near] = await trial.actors(1)
    const permits = await trial.make('Semaphore', 1)
    for (const count of [0, -1, 1.5, 2 ** 31]) {
      await rejectsWith(near!.call(permits, 'release', { args: [count] }), 'RangeError')
    }
    assert.equal(await near!.get(permits, 'value'), 1)
  })

  parallel('acquireSync waits until there is a permit', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('Semaphore', 1)
    const held = await near!.take(permits, 'acquire')
    const blocked = await far!.begin(permits, 'acquireSync')
    await isWaiting(blocked)
    await held.release()
    await (await blocked.held).release()
  })

  mortal('acquireSync gives up after its time, and has taken nothing', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('Semaphore', 1)
    const held = await near!.take(permits, 'acquire')
    const { elapsed } = await rejectsWith(far!.call(permits, 'acquireSync', { timeout: 20 }), 'TIMEOUT')
    assert.ok(elapsed >= 19, `after ${elapsed} ms`)
    await held.release()
    assert.equal(await near!.get(permits, 'value'), 1)
  })

  mortal('the permits of who dies come back, and what it forgot does not', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const permits = await trial.make('BoundedSemaphore', 5)
    for (let index = 0; index < 4; index++) await far!.take(permits, 'acquire')
    await (await far!.take(permits, 'acquire')).forget()
    const waits = [await near!.begin(permits, 'acquire'), await third!.begin(permits, 'acquire')]
    await isWaiting(...waits)
    await far!.kill()
    const held: Held[] = []
    for (const wait of waits) held.push(await wait.held)
    assert.equal(await near!.get(permits, 'value'), 2)
    for (const each of held) await each.release()
    assert.equal(await near!.get(permits, 'value'), 4)
  })
}
