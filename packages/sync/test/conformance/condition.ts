import assert from 'node:assert/strict'
import type { Held, Player, Primitive, Wait } from './player.js'
import { type Group, isFree, isHeld, isWaiting, rejectsWith, type Trial } from './trial.js'

/** A mutex and a condition of it, which all of these have. */
async function make(trial: Trial, players: Player[]): Promise<[Primitive, Primitive]> {
  const lock = await trial.make('Mutex')
  for (const player of players) await player.has(lock)
  const changed = await trial.make('Condition', lock.key)
  for (const player of players) await player.has(changed)
  return [lock, changed]
}

/** Takes the mutex and waits for a notice. */
async function waits(player: Player, lock: Primitive, changed: Primitive): Promise<[Held, Wait]> {
  const held = await player.take(lock, 'lock')
  return [held, await player.begin(changed, 'wait', { args: [held], signal: {} })]
}

export function condition({ test, mortal, parallel }: Group): void {
  test('wait gives the mutex back, and has it again when it comes back', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const [lock, changed] = await make(trial, players)
    const [held, waiting] = await waits(far!, lock, changed)
    assert.equal(await held.held, false)
    const own = await near!.take(lock, 'lock')
    await near!.call(changed, 'notify')
    await isWaiting(waiting)
    await own.release()
    await waiting.settled
    assert.equal(await held.held, true)
    await isHeld(near!, lock)
    await held.release()
    await isFree(near!, lock)
  })

  test('notify wakes one, the longest waiting first; a count wakes so many', async (trial) => {
    const players = await trial.actors(3)
    const [lock, changed] = await make(trial, players)
    const log = trial.word(7)
    const notices: Wait[] = []
    for (let tag = 0; tag < 6; tag++) {
      notices.push(await players[tag % 3]!.run('notice', changed, { mutex: lock.key, log, tag }))
      // Whoever can take the mutex after it comes when it waits.
      await isFree(players[tag % 3]!, lock)
    }
    await players[0]!.call(changed, 'notify')
    await notices[0]!.settled
    await isWaiting(...notices.slice(1))
    await players[1]!.call(changed, 'notify', { args: [2] })
    await notices[1]!.settled
    await notices[2]!.settled
    await isWaiting(...notices.slice(3))
    assert.deepEqual(trial.logged(log).slice(0, 1), [0])
    await players[2]!.call(changed, 'notifyAll')
    for (const { settled } of notices) await settled
    assert.equal(trial.logged(log).length, 6)
  })

  test('a notice that nobody waits for is gone', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const [lock, changed] = await make(trial, players)
    await near!.call(changed, 'notifyAll')
    const [held, waiting] = await waits(far!, lock, changed)
    await isWaiting(waiting)
    await near!.call(changed, 'notify')
    await waiting.settled
    await held.release()
  })

  test('loses no notice between a producer and two consumers', async (trial) => {
    const players = await trial.actors(3)
    const [lock, changed] = await make(trial, players)
    const buffer = trial.word()
    const making = { mutex: lock.key, buffer, room: 3, count: 60 }
    const producing = await players[0]!.run('produce', changed, making)
    const consuming = [
      await players[1]!.run<number>('consume', changed, { mutex: lock.key, buffer, count: 30 }),
      await players[2]!.run<number>('consume', changed, { mutex: lock.key, buffer, count: 30 }),
    ]
    await producing.settled
    for (const { settled } of consuming) assert.ok((await settled) <= 3)
    assert.equal(trial.words[buffer], 0)
  })

  test('an aborted wait has the mutex again, and takes no notice away', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const [lock, changed] = await make(trial, players)
    for (let round = 0; round < 20; round++) {
      // Of one event loop: the order of two is not exact.
      const [first, aborted] = await waits(far!, lock, changed)
      const [second, waiting] = await waits(far!, lock, changed)
      if (round % 2 === 0) await aborted.abort()
      // Either has it before the other: one notice is one notice.
      await Promise.all([near!.call(changed, 'notify'), aborted.abort()])
      const rejected = await aborted.settled.then(
        () => false,
        () => true,
      )
      assert.equal(await first.held, true)
      await first.release()
      if (!rejected) await near!.call(changed, 'notify')
      else await rejectsWith(aborted.settled, 'ABORTED')
      await waiting.settled
      await second.release()
      await isFree(near!, lock)
    }
  })

  test('waitFor looks before it waits, and after each notice', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const [lock, changed] = await make(trial, players)
    const word = trial.word()
    const held = await far!.take(lock, 'lock')
    const waiting = await far!.begin(changed, 'waitFor', { args: [held, { word, atLeast: 2 }] })
    for (const value of [1, 2]) {
      const own = await near!.take(lock, 'lock')
      assert.equal(await held.held, false)
      Atomics.store(trial.words, word, value)
      await near!.call(changed, 'notifyAll')
      await own.release()
    }
    await waiting.settled
    assert.equal(await held.held, true)
    await far!.call(changed, 'waitFor', { args: [held, { word, atLeast: 2 }] })
    await held.release()
  })

  test('only who holds the mutex can wait', async (trial) => {
    const players = await trial.actors(1)
    const [lock, changed] = await make(trial, players)
    const other = await trial.make('Mutex')
    const released = await players[0]!.take(lock, 'lock')
    await released.release()
    const foreign = await players[0]!.take(other, 'lock')
    for (const held of [released, foreign]) {
      await rejectsWith(players[0]!.call(changed, 'wait', { args: [held] }), 'TypeError')
    }
    assert.equal(await foreign.held, true)
    await foreign.release()
  })

  parallel('waitSync blocks until a notice, and holds the mutex then', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const [lock, changed] = await make(trial, players)
    const held = await far!.take(lock, 'lock')
    const blocked = await far!.begin(changed, 'waitSync', { args: [held] })
    const own = await near!.take(lock, 'lock')
    await near!.call(changed, 'notify')
    await own.release()
    await blocked.settled
    assert.equal(await held.held, true)
    await held.release()
  })

  mortal('waitSync gives up after its time, holding the mutex', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const [lock, changed] = await make(trial, players)
    const held = await far!.take(lock, 'lock')
    await rejectsWith(far!.call(changed, 'waitSync', { args: [held], timeout: 20 }), 'TIMEOUT')
    assert.equal(await held.held, true)
    await isHeld(near!, lock)
    await held.release()
  })

  mortal('when an owner of the mutex dies, all who wait look again, and one is told', async (trial) => {
    const players = await trial.actors(3)
    const [near, far, third] = players
    const [lock, changed] = await make(trial, players)
    const waiting = [await waits(near!, lock, changed), await waits(third!, lock, changed)]
    await far!.take(lock, 'lock')
    await far!.kill()
    let told = 0
    await Promise.all(
      waiting.map(async ([held, wait]) => {
        await wait.settled
        assert.equal(await held.held, true)
        if (await held.told) {
          told++
          await held.markConsistent()
        }
        await held.release()
      }),
    )
    assert.equal(told, 1)
    await isFree(near!, lock)
  })

  mortal('a notice whose receiver dies goes on to who waits behind', async (trial) => {
    const players = await trial.actors(4)
    const [near, first, second, last] = players
    const [lock, changed] = await make(trial, players)
    await waits(first!, lock, changed)
    const [held, waiting] = await waits(last!, lock, changed)
    // Its receiver is dead already, and perhaps nobody has noticed.
    await first!.kill()
    await near!.call(changed, 'notify')
    await waiting.settled
    assert.equal(await held.told, false)
    await held.release()

    await waits(second!, lock, changed)
    const [heldAgain, waitingAgain] = await waits(last!, lock, changed)
    // Its receiver has got it, and dies before it has the mutex.
    const own = await near!.take(lock, 'lock')
    await near!.call(changed, 'notify')
    await second!.kill()
    await own.release()
    await waitingAgain.settled
    assert.equal(await heldAgain.told, false)
    await heldAgain.release()
    await isFree(near!, lock)
  })
}
