import assert from 'node:assert/strict'
import type { Held } from './player.js'
import { type Group, isFree, isHeld, isWaiting, rejectsWith, settlesSoon } from './trial.js'

/** Far longer than any test: whoever waits so long has hung. */
const LONG = 60_000

export function mutex({ test, mortal, parallel }: Group): void {
  test('lets one in at a time, and loses no update', async (trial) => {
    const actors = await trial.actors(3)
    const lock = await trial.make('Mutex')
    const counter = trial.word(3)
    const rounds = 200
    const hammers = await Promise.all(
      actors.map((actor) => actor.run('hammer', lock, { method: 'lock', rounds, counter, tasks: 2 })),
    )
    for (const { settled } of hammers) await settled
    assert.equal(trial.words[counter], actors.length * rounds * 2)
    assert.equal(trial.words[counter + 2], 1)
    await isFree(actors[0]!, lock)
  })

  test('lets one in at a time, of those who only try', async (trial) => {
    const actors = await trial.actors(3)
    const lock = await trial.make('Mutex')
    const counter = trial.word(3)
    const rounds = 100
    const hammers = await Promise.all(
      actors.map((actor) => actor.run('hammerTrying', lock, { method: 'tryLock', rounds, counter })),
    )
    for (const { settled } of hammers) await settled
    assert.equal(trial.words[counter], actors.length * rounds)
    assert.equal(trial.words[counter + 2], 1)
  })

  parallel('lets one in at a time, of threads that block, wait and try', async (trial) => {
    const [first, second, third, fourth] = await trial.actors(4)
    const lock = await trial.make('Mutex')
    const counter = trial.word(3)
    const hammers = [
      await second!.run('hammerSync', lock, { method: 'lockSync', rounds: 2000, counter }),
      await third!.run('hammerSync', lock, { method: 'lockSync', rounds: 2000, counter }),
      await fourth!.run('hammerTrying', lock, { method: 'tryLock', rounds: 50, counter }),
      await first!.run('hammer', lock, { method: 'lock', rounds: 200, counter, tasks: 2 }),
    ]
    for (const { settled } of hammers) await settled
    assert.equal(trial.words[counter], 2000 + 2000 + 50 + 400)
    assert.equal(trial.words[counter + 2], 1)
  })

  test('tryLock takes a free lock, and nothing of a held one, and never waits', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const held = await far!.take(lock, 'tryLock')
    assert.equal(held.ownerDied, false)
    await isHeld(near!, lock)
    await isHeld(far!, lock)
    await held.release()
    await isFree(near!, lock)
    await isFree(far!, lock)
  })

  test('`locked` says whether somebody holds it', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const actor of [near!, far!]) {
      await far!.has(lock)
      const held = await actor.take(lock, 'lock')
      assert.equal(await near!.get(lock, 'locked'), true)
      assert.equal(await far!.get(lock, 'locked'), true)
      await held.release()
      assert.equal(await near!.get(lock, 'locked'), false)
      assert.equal(await far!.get(lock, 'locked'), false)
    }
  })

  test('two tasks of one event loop are two owners', async (trial) => {
    const [near] = await trial.actors(1)
    const lock = await trial.make('Mutex')
    const first = await near!.take(lock, 'lock')
    const second = await near!.begin(lock, 'lock')
    await isWaiting(second)
    await isHeld(near!, lock)
    await first.release()
    assert.equal(await first.held, false)
    await (await second.held).release()
  })

  test('a guard that has released can do it again, and takes nobody else’s lock away', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const first = await near!.take(lock, 'lock')
    assert.equal(await first.held, true)
    await first.release()
    assert.equal(await first.held, false)
    for (const actor of [near!, far!]) {
      const second = await actor.take(lock, 'lock')
      await first.release()
      assert.equal(await second.held, true)
      await isHeld(near!, lock)
      await isHeld(far!, lock)
      await second.release()
    }
    await isFree(near!, lock)
  })

  test('a guard releases at the end of its block, with `using` and with `await using`', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const actor of [near!, far!]) {
      for (const how of ['dispose', 'disposeLater'] as const) {
        const held = await actor.take(lock, 'lock')
        await actor.dispose(held, how)
        assert.equal(await held.held, false)
        await isFree(near!, lock)
        await actor.dispose(held, how)
      }
    }
  })

  test('lockSync of a lock that a task of this thread holds is a DEADLOCK at once', async (trial) => {
    const actors = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const actor of actors) {
      const held = await actor.take(lock, 'lock')
      await rejectsWith(actor.call(lock, 'lockSync', { timeout: LONG }), 'DEADLOCK')
      assert.equal(await held.held, true)
      await held.release()
      await (await actor.take(lock, 'lockSync', { timeout: LONG })).release()
    }
  })

  mortal('lockSync gives up after its time and not before, and has acquired nothing', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const held = await near!.take(lock, 'lock')
    const { elapsed } = await rejectsWith(far!.call(lock, 'lockSync', { timeout: 40 }), 'TIMEOUT')
    // A timer may round down.
    assert.ok(elapsed >= 39, `after ${elapsed} ms`)
    await rejectsWith(far!.call(lock, 'lockSync', { timeout: 0 }), 'TIMEOUT')
    await held.release()
    await isFree(near!, lock)
    await (await far!.take(lock, 'lockSync', { timeout: 0 })).release()
  })

  parallel('lockSync waits until the lock is released', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const options of [{}, { timeout: LONG }]) {
      const held = await near!.take(lock, 'lock')
      const blocked = await far!.begin(lock, 'lockSync', options)
      await isWaiting(blocked)
      await held.release()
      const got = await blocked.held
      await isHeld(near!, lock)
      await got.release()
    }
  })

  parallel('a thread that blocks is not kept waiting by tasks of its own', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const held = await near!.take(lock, 'lock')
    const task = await far!.begin(lock, 'lock')
    const blocked = await far!.begin(lock, 'lockSync')
    await isWaiting(task, blocked)
    await held.release()
    await (await blocked.held).release()
    await (await task.held).release()
  })

  test('an object is one lock by its name, and another by another name', async (trial) => {
    const [near, far] = await trial.actors(2)
    const [one, other] = [await trial.make('Mutex'), await trial.make('Mutex')]
    const held = await near!.take(one, 'lock')
    await isHeld(far!, one)
    const second = await far!.call<Held>(other, 'tryLock')
    assert.equal(await settlesSoon((await near!.begin(other, 'lock')).settled), false)
    await held.release()
    await isFree(far!, one)
    await second.release()
  })
}
