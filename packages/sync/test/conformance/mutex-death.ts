import assert from 'node:assert/strict'
import { type Group, isFree, isHeld, isWaiting, rejectsWith } from './trial.js'

export function mutexDeath({ mortal }: Group): void {
  mortal('the next owner is told of a death, once', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    await third!.has(lock)
    await far!.take(lock, 'lock')
    await far!.kill()
    const told = await near!.take(lock, 'lock')
    assert.equal(told.ownerDied, true)
    await told.markConsistent()
    await told.release()
    await isFree(near!, lock)
    await isFree(third!, lock)
  })

  mortal('of those who wait when the owner dies, exactly one is told', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    await far!.take(lock, 'lock')
    const waits = []
    for (let index = 0; index < 6; index++) waits.push(await [near!, third!][index % 2]!.begin(lock, 'lock'))
    await isWaiting(...waits)
    await far!.kill()
    const served = waits.map(async ({ held }) => {
      const got = await held
      await got.markConsistent()
      await got.release()
      return got.ownerDied
    })
    const told = await Promise.all(served)
    assert.equal(told.filter(Boolean).length, 1, `told: ${told}`)
    await isFree(third!, lock)
  })

  mortal('each death is told', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    for (const actor of [far!, third!]) {
      const held = await actor.take(lock, 'lock')
      assert.equal(held.ownerDied, false)
      const waiting = await near!.begin(lock, 'lock')
      await actor.kill()
      const told = await waiting.held
      assert.equal(told.ownerDied, true)
      await told.markConsistent()
      await told.release()
    }
  })

  mortal('who dies with the news leaves it to the next', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    await far!.take(lock, 'lock')
    const waiting = await third!.begin(lock, 'lock')
    await far!.kill()
    assert.equal((await waiting.held).ownerDied, true)
    await third!.kill()
    const told = await near!.take(lock, 'lock')
    assert.equal(told.ownerDied, true)
    await told.markConsistent()
    await told.release()
    await isFree(near!, lock)
  })

  mortal('released without a word, it is poisoned until somebody repairs it', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    await far!.take(lock, 'lock')
    // Of one event loop: the order of two is not exact.
    const told = await near!.begin(lock, 'lock')
    const behind = await near!.begin(lock, 'lock')
    await isWaiting(told, behind)
    await far!.kill()
    const held = await told.held
    assert.equal(held.ownerDied, true)
    await held.release()
    await rejectsWith(behind.settled, 'OWNER_DIED')
    for (const actor of [near!, third!]) {
      await rejectsWith(actor.call(lock, 'lock'), 'OWNER_DIED')
      await rejectsWith(actor.call(lock, 'tryLock'), 'OWNER_DIED')
      await rejectsWith(actor.call(lock, 'lockSync', { timeout: 60_000 }), 'OWNER_DIED')
    }
    // Who repairs, and does not say that it is done, has not repaired.
    const careless = await near!.take(lock, 'tryLock', { repair: true })
    assert.equal(careless.ownerDied, true)
    await careless.release()
    await rejectsWith(third!.call(lock, 'lock'), 'OWNER_DIED')
    const repairer = await third!.take(lock, 'lock', { repair: true })
    assert.equal(repairer.ownerDied, true)
    await repairer.markConsistent()
    await repairer.release()
    await isFree(near!, lock)
    await isFree(third!, lock)
  })

  mortal('who dies while it waits is in nobody’s way', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    const held = await near!.take(lock, 'lock')
    const dying = await far!.begin(lock, 'lock')
    const behind = await third!.begin(lock, 'lock')
    await isWaiting(dying, behind)
    await far!.kill()
    await held.release()
    const got = await behind.held
    assert.equal(got.ownerDied, false)
    await got.release()
    await isFree(near!, lock)
  })

  mortal('who dies as the lock is offered to it keeps nobody from it', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    const held = await near!.take(lock, 'lock')
    await far!.begin(lock, 'lock')
    const behind = await third!.begin(lock, 'lock')
    await Promise.all([held.release(), far!.kill()])
    // It may have got it before.
    const got = await behind.held
    await got.markConsistent()
    await got.release()
    await isFree(near!, lock)
  })

  mortal('the death of somebody who has released it is nobody’s concern', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    await (await far!.take(lock, 'lock')).release()
    await far!.kill()
    await isFree(near!, lock)
  })

  mortal('markConsistent of a lock whose owner lives changes nothing', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const held = await far!.take(lock, 'lock')
    await held.markConsistent()
    await isHeld(near!, lock)
    await held.release()
    await isFree(near!, lock)
  })
}
