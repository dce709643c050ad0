import assert from 'node:assert/strict'
import { type Group, isWaiting, rejectsWith } from './trial.js'

export function semaphoreWaiting({ test, mortal, parallel }: Group): void {
  test('those of one event loop are served in the order in which they came', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('Semaphore', 1)
    for (const actor of [near!, far!]) {
      const log = trial.word(13)
      const held = await near!.take(permits, 'acquire')
      const waits = []
      for (let tag = 0; tag < 12; tag++) {
        waits.push(await actor.run('record', permits, { method: 'acquire', log, tag }))
      }
      await held.release()
      for (const { settled } of waits) await settled
      assert.deepEqual(trial.logged(log), [...Array(12).keys()])
    }
  })

  test('who waits gets a permit although others take it again and again', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('Semaphore', 1)
    const log = trial.word(2)
    const held = await far!.take(permits, 'acquire')
    const waiting = await near!.run('record', permits, { method: 'acquire', log, tag: 1 })
    const insisting = await far!.run('insist', permits, { method: 'tryAcquire', log })
    await held.release()
    await waiting.settled
    await insisting.settled
  })

  test('an aborted wait has taken nothing, and loses nobody’s permit', async (trial) => {
    const [near, far] = await trial.actors(2)
    const permits = await trial.make('Semaphore', 1)
    for (let round = 0; round < 40; round++) {
      const held = await far!.take(permits, 'acquire')
      const first = await far!.begin(permits, 'acquire', { signal: {} })
      const second = await near!.begin(permits, 'acquire')
      if (round % 2 === 0) await far!.together(held.releasing, first.aborting)
      else await Promise.all([first.abort(), held.release()])
      await first.held.then(
        (got) => got.release(),
        () => rejectsWith(first.settled, 'ABORTED'),
      )
      await (await second.held).release()
      assert.equal(await near!.get(permits, 'value'), 1)
    }
  })

  parallel('an event loop that is busy does not idle a permit', async (trial) => {
    const [near, second, third] = await trial.actors(3)
    const permits = await trial.make('Semaphore', 1)
    const word = trial.word(2)
    const held = await near!.take(permits, 'acquire')
    const busy = await second!.begin(permits, 'acquire')
    const blocked = await second!.block(word)
    const behind = await third!.begin(permits, 'acquire')
    await held.release()
    const got = await behind.held
    Atomics.store(trial.words, word, 1)
    await blocked.settled
    await isWaiting(busy)
    await got.release()
    await (await busy.held).release()
  })

  mortal('who dies while it waits takes no permit along', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const permits = await trial.make('Semaphore', 1)
    const held = await near!.take(permits, 'acquire')
    const dying = await far!.begin(permits, 'acquire')
    const behind = await third!.begin(permits, 'acquire')
    await isWaiting(dying, behind)
    await Promise.all([held.release(), far!.kill()])
    await (await behind.held).release()
    assert.equal(await near!.get(permits, 'value'), 1)
  })
}
