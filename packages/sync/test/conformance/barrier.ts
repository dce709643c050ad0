import assert from 'node:assert/strict'
import type { Wait } from './player.js'
import { type Group, isWaiting, rejectsWith } from './trial.js'

interface Phases {
  readonly indices: number[]
  readonly early: number
}

/** Each of 0 to `parties` - 1 once, in each phase. */
function areDistinct(all: Phases[], rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    const indices = all.map((each) => each.indices[round]!).sort((a, b) => a - b)
    assert.deepEqual(indices, [...all.keys()])
  }
}

export function barrier({ test, mortal, parallel }: Group): void {
  test('nobody passes before all are there, again and again; each has an index of its own', async (trial) => {
    const actors = await trial.actors(3)
    const line = await trial.make('Barrier', 3)
    const arrivals = trial.word()
    const runs: Wait<Phases>[] = []
    for (const actor of actors) runs.push(await actor.run('phases', line, { rounds: 30, arrivals }))
    const all: Phases[] = []
    for (const { settled } of runs) all.push(await settled)
    for (const { early } of all) assert.equal(early, 0)
    areDistinct(all, 30)
  })

  parallel('the same, of threads that block', async (trial) => {
    const [, second, third] = await trial.actors(3)
    const line = await trial.make('Barrier', 2)
    const arrivals = trial.word()
    const runs = [
      await second!.run<Phases>('phasesSync', line, { rounds: 50, arrivals }),
      await third!.run<Phases>('phasesSync', line, { rounds: 50, arrivals }),
    ]
    const all: Phases[] = []
    for (const { settled } of runs) all.push(await settled)
    for (const { early } of all) assert.equal(early, 0)
    areDistinct(all, 50)
  })

  test('of one lets everybody pass', async (trial) => {
    const [near, far] = await trial.actors(2)
    const line = await trial.make('Barrier', 1)
    for (const actor of [near!, far!, near!]) assert.equal(await actor.call(line, 'wait'), 0)
  })

  test('says how many are waited for, and how many wait', async (trial) => {
    const [near, far] = await trial.actors(2)
    const line = await trial.make('Barrier', 3)
    const first = await near!.begin(line, 'wait')
    const second = await far!.begin(line, 'wait')
    assert.equal(await near!.get(line, 'parties'), 3)
    assert.equal(await near!.get(line, 'waiting'), 2)
    assert.equal(await near!.call(line, 'wait'), 2)
    assert.deepEqual([await first.settled, await second.settled], [0, 1])
    assert.equal(await far!.get(line, 'waiting'), 0)
  })

  test('an aborted wait takes its arrival back; the indices stay distinct', async (trial) => {
    const [near, far] = await trial.actors(2)
    const line = await trial.make('Barrier', 3)
    const aborted = await far!.begin(line, 'wait', { signal: {} })
    const staying = await near!.begin(line, 'wait')
    await aborted.abort()
    await rejectsWith(aborted.settled, 'ABORTED')
    assert.equal(await near!.get(line, 'waiting'), 1)
    const second = await far!.begin(line, 'wait')
    await isWaiting(staying, second)
    const last = await near!.call<number>(line, 'wait')
    assert.deepEqual([await staying.settled, await second.settled, last], [0, 1, 2])
  })

  test('abort ends all waits until reset; then it is as new', async (trial) => {
    const [near, far] = await trial.actors(2)
    const line = await trial.make('Barrier', 2)
    const waiting = await far!.begin(line, 'wait')
    await near!.call(line, 'abort')
    await rejectsWith(waiting.settled, 'ABORTED')
    await rejectsWith(near!.call(line, 'wait'), 'ABORTED')
    assert.equal(await far!.get(line, 'broken'), true)
    await far!.call(line, 'reset')
    assert.equal(await near!.get(line, 'broken'), false)
    const first = await near!.begin(line, 'wait')
    assert.equal(await far!.call(line, 'wait'), 1)
    assert.equal(await first.settled, 0)
  })

  test('reset ends the waits of those who are there', async (trial) => {
    const [near, far] = await trial.actors(2)
    const line = await trial.make('Barrier', 2)
    const waiting = await far!.begin(line, 'wait')
    await near!.call(line, 'reset')
    await rejectsWith(waiting.settled, 'ABORTED')
    assert.equal(await near!.get(line, 'broken'), false)
  })

  mortal('waitSync gives up after its time, and takes its arrival back', async (trial) => {
    const [near, far] = await trial.actors(2)
    const line = await trial.make('Barrier', 2)
    await rejectsWith(far!.call(line, 'waitSync', { timeout: 20 }), 'TIMEOUT')
    assert.equal(await near!.get(line, 'waiting'), 0)
    assert.equal(await near!.get(line, 'broken'), false)
  })

  mortal(
    'who has been there and dies breaks it for those who wait and who come, until reset',
    async (trial) => {
      const [near, far, third] = await trial.actors(3)
      const line = await trial.make('Barrier', 3)
      const round = [await far!.begin(line, 'wait'), await third!.begin(line, 'wait')]
      await near!.call(line, 'wait')
      for (const { settled } of round) await settled
      const waiting = await near!.begin(line, 'wait')
      await isWaiting(waiting)
      await far!.kill()
      await rejectsWith(waiting.settled, 'OWNER_DIED')
      await rejectsWith(third!.call(line, 'wait'), 'OWNER_DIED')
      assert.equal(await near!.get(line, 'broken'), true)
      await near!.call(line, 'reset')
      const again = await third!.begin(line, 'wait')
      await isWaiting(again)
      assert.equal(await near!.get(line, 'waiting'), 1)
    },
  )

  mortal('who dies while it waits breaks it', async (trial) => {
    const [near, far] = await trial.actors(2)
    const line = await trial.make('Barrier', 3)
    await far!.begin(line, 'wait')
    const waiting = await near!.begin(line, 'wait')
    await far!.kill()
    await rejectsWith(waiting.settled, 'OWNER_DIED')
  })
}
