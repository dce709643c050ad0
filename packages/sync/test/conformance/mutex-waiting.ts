import assert from 'node:assert/strict'
import { type Group, isFree, isHeld, isWaiting, rejectsWith } from './trial.js'

export function mutexWaiting({ test, parallel }: Group): void {
  test('those of one event loop are served in the order in which they came', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const actor of [near!, far!]) {
      const log = trial.word(21)
      const held = await near!.take(lock, 'lock')
      const waits = []
      for (let tag = 0; tag < 20; tag++) {
        waits.push(await actor.run('record', lock, { method: 'lock', log, tag }))
      }
      await held.release()
      for (const { settled } of waits) await settled
      assert.deepEqual(trial.logged(log), [...Array(20).keys()])
    }
  })

  test('everybody is served once, and those of each event loop in order', async (trial) => {
    const actors = await trial.actors(3)
    const lock = await trial.make('Mutex')
    const log = trial.word(31)
    const held = await actors[0]!.take(lock, 'lock')
    const waits = []
    for (let tag = 0; tag < 30; tag++) {
      waits.push(await actors[tag % 3]!.run('record', lock, { method: 'lock', log, tag }))
    }
    await held.release()
    for (const { settled } of waits) await settled
    const order = trial.logged(log)
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      [...Array(30).keys()],
    )
    for (const one of [0, 1, 2]) {
      const own = order.filter((tag) => tag % 3 === one)
      assert.deepEqual(
        own,
        [...own].sort((a, b) => a - b),
      )
    }
  })

  test('10,000 waiters of one event loop are all served, in order, once', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const held = await near!.take(lock, 'lock')
    const crowd = await far!.run<number[]>('crowd', lock, { method: 'lock', count: 10_000 })
    await isWaiting(crowd)
    await held.release()
    assert.deepEqual(await crowd.settled, [...Array(10_000).keys()])
    await isFree(near!, lock)
  })

  test('who waits gets it although others take it again and again', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const [insistent, patient] of [
      [near!, far!],
      [far!, near!],
    ] as const) {
      const log = trial.word(2)
      const held = await insistent.take(lock, 'lock')
      const waiting = await patient.run('record', lock, { method: 'lock', log, tag: 1 })
      const insisting = await insistent.run('insist', lock, { method: 'tryLock', log })
      await held.release()
      await waiting.settled
      await insisting.settled
    }
  })

  parallel('who waits gets it although threads take it again and again', async (trial) => {
    const [near, second, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    const log = trial.word(2)
    const held = await near!.take(lock, 'lock')
    const waiting = await near!.run('record', lock, { method: 'lock', log, tag: 1 })
    const insisting = [
      await second!.run('insistSync', lock, { method: 'lockSync', log }),
      await third!.run('insistSync', lock, { method: 'lockSync', log }),
    ]
    await held.release()
    await waiting.settled
    for (const { settled } of insisting) await settled
  })

  parallel('an event loop that is busy does not idle the lock', async (trial) => {
    const [near, second, third] = await trial.actors(3)
    const lock = await trial.make('Mutex')
    const word = trial.word(2)
    const held = await near!.take(lock, 'lock')
    const busy = await second!.begin(lock, 'lock')
    const blocked = await second!.block(word)
    const behind = await third!.begin(lock, 'lock')
    await held.release()
    const got = await behind.held
    await isHeld(near!, lock)
    Atomics.store(trial.words, word, 1)
    await blocked.settled
    await isWaiting(busy)
    await got.release()
    await (await busy.held).release()
  })

  test('an aborted wait has acquired nothing, and says why', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const actor of [near!, far!]) {
      const held = await near!.take(lock, 'lock')
      const waiting = await actor.begin(lock, 'lock', { signal: {} })
      await isWaiting(waiting)
      await waiting.abort('changed my mind')
      const { cause } = await rejectsWith(waiting.settled, 'ABORTED')
      assert.equal(cause, 'changed my mind')
      await held.release()
      await isFree(near!, lock)
    }
  })

  test('a signal that was aborted before takes nothing, even of a free lock', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const signal = { aborted: true, reason: 'before' }
    const { cause } = await rejectsWith(far!.call(lock, 'lock', { signal }), 'ABORTED')
    assert.equal(cause, 'before')
    await isFree(near!, lock)
  })

  test('a signal that comes too late changes nothing', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const wait = await far!.begin(lock, 'lock', { signal: {} })
    const held = await wait.held
    await wait.abort()
    assert.equal(await held.held, true)
    await isHeld(near!, lock)
    await held.release()
  })

  test('an abort in the middle of the queue keeps the order of the others', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (const actor of [near!, far!]) {
      const log = trial.word(5)
      const held = await near!.take(lock, 'lock')
      const first = await actor.run('record', lock, { method: 'lock', log, tag: 1 })
      const aborted = await actor.begin(lock, 'lock', { signal: {} })
      const last = await actor.run('record', lock, { method: 'lock', log, tag: 2 })
      await aborted.abort()
      await rejectsWith(aborted.settled, 'ABORTED')
      await held.release()
      await first.settled
      await last.settled
      assert.deepEqual(trial.logged(log), [1, 2])
    }
  })

  test('an abort as the lock is offered loses nobody’s wake-up', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    for (let round = 0; round < 60; round++) {
      const actor = round % 2 === 0 ? far! : near!
      const held = await actor.take(lock, 'lock')
      const first = await actor.begin(lock, 'lock', { signal: {} })
      const second = await near!.begin(lock, 'lock')
      // In the same turn, or in two that follow each other closely.
      if (round % 3 === 0) await actor.together(held.releasing, first.aborting)
      else await Promise.all([held.release(), first.abort()])
      await first.held.then(
        (got) => got.release(),
        () => rejectsWith(first.settled, 'ABORTED'),
      )
      await (await second.held).release()
    }
    await isFree(near!, lock)
  })

  test('aborts while the lock passes from hand to hand lose nothing', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('Mutex')
    const counter = trial.word(3)
    const hammer = await near!.run('hammer', lock, { method: 'lock', rounds: 150, counter, tasks: 3 })
    for (let round = 0; round < 100; round++) {
      const wait = await far!.begin(lock, 'lock', { signal: {} })
      await wait.abort()
      await wait.held.then(
        (got) => got.release(),
        () => rejectsWith(wait.settled, 'ABORTED'),
      )
    }
    await hammer.settled
    assert.equal(trial.words[counter], 450)
    await isFree(far!, lock)
  })
}
