import assert from 'node:assert/strict'
import { Everything } from './everything.js'
import type { Player } from './player.js'
import { type Group, isWaiting, type Trial, turn } from './trial.js'

/** Until somebody has written into the word, or the test has hung meanwhile. */
async function until(trial: Trial, word: number): Promise<void> {
  while (!trial.over && Atomics.load(trial.words, word) === 0) await turn()
}

/** Whether there is a moment without anything that would come later; what was asked before may have left such for once. */
async function rests(player: Player): Promise<boolean> {
  for (let look = 0; look < 50; look++) {
    const resources = await player.resources()
    if (!resources.some((name) => name === 'Immediate' || name === 'Timeout')) return true
  }
  return false
}

export function waiting({ test, parallel }: Group): void {
  test('whoever waits does nothing meanwhile', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const all = await Everything.make(trial, players)
    await all.hold(near!)
    const waits = await all.waitForAll(far!)
    const calls = trial.word(2)
    await far!.count(calls)
    await far!.turns(20)
    assert.deepEqual([trial.words[calls], trial.words[calls + 1]], [0, 0], 'it looks again and again')
    // No timer, and nothing else that comes again. The test's own event loop has other things to do.
    if (trial.home.parallel) assert.ok(await rests(far!), 'it looks again and again')
    await isWaiting(...waits.map(({ wait }) => wait))
    for (const { of } of waits) await all.serve(near!, of)
    for (const each of waits) await all.hasCome(each)
  })

  parallel('a thread that blocks asks once, and sleeps then', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const all = await Everything.make(trial, players)
    await all.blockForEach(far!, near!, async (begin) => {
      const calls = trial.word(2)
      await far!.count(calls)
      const blocked = await begin()
      await until(trial, calls)
      const others = trial.words[calls + 1]
      await isWaiting(blocked.wait)
      assert.deepEqual([trial.words[calls], trial.words[calls + 1]], [1, others], 'it asks again and again')
      await all.serve(near!, blocked.of)
      await all.hasCome(blocked)
    })
  })

  test('whoever tries never waits', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const all = await Everything.make(trial, players)
    await all.hold(near!)
    const calls = trial.word(2)
    await far!.count(calls)
    for (const [of, method] of all.tries) assert.equal(await far!.call(of, method), undefined)
    await all.giveBack()
    for (const [of, method] of all.tries) await (await far!.take(of, method)).release()
    assert.equal(trial.words[calls], 0, 'it has waited')
  })
}
