import assert from 'node:assert/strict'
import { Everything } from './everything.js'
import type { Held } from './player.js'
import { type Group, isFree, isHeld, isWaiting, rejectsWith } from './trial.js'

export function closing({ mortal }: Group): void {
  mortal('closing ends all that the one who closes does there, and nobody else’s waits', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const all = await Everything.make(trial, players)
    await all.hold(near!)
    const ending = await all.waitForAll(far!)
    const staying = await all.waitForAll(near!)
    await isWaiting(...[...ending, ...staying].map(({ wait }) => wait))
    await far!.closeRegion()
    for (const { wait } of ending) await rejectsWith(wait.settled, 'CLOSED')

    const { lock, permits, bounded, gun, book, line, changed } = all
    for (const { of, method, guard } of ending) {
      const args = guard === undefined ? [] : [guard]
      await rejectsWith(far!.call(of, method, { args }), 'CLOSED')
      await rejectsWith(far!.call(of, `${method}Sync`, { args }), 'CLOSED')
      await rejectsWith(far!.call(of, 'share'), 'CLOSED')
    }
    for (const [of, method] of all.tries) await rejectsWith(far!.call(of, method), 'CLOSED')
    for (const [of, ...methods] of [
      [permits, 'release'],
      [bounded, 'release'],
      [gun, 'set', 'clear'],
      [changed, 'notify', 'notifyAll'],
      [line, 'abort', 'reset'],
    ] as const) {
      for (const method of methods) await rejectsWith(far!.call(of, method), 'CLOSED')
    }
    for (const [of, ...properties] of [
      [lock, 'locked'],
      [permits, 'value'],
      [bounded, 'value'],
      [gun, 'isSet'],
      [book, 'readers', 'writing'],
      [line, 'parties', 'waiting', 'broken'],
    ] as const) {
      for (const property of properties) await rejectsWith(far!.get(of, property), 'CLOSED')
    }

    // It has been at the barrier.
    const at = staying.findIndex(({ of }) => of === line)
    await rejectsWith(staying.splice(at, 1)[0]!.wait.settled, 'OWNER_DIED')
    await isWaiting(...staying.map(({ wait }) => wait))
    for (const { of } of staying) await all.serve(near!, of)
    for (const each of staying) await all.hasCome(each)
  })

  mortal('what is held by the one who closes is as if it had died', async (trial) => {
    const players = await trial.actors(2)
    const [near, far] = players
    const { lock, permits, bounded, gun, book, line, monitor, changed } = await Everything.make(
      trial,
      players,
    )
    const diary = await trial.make('RWLock')
    const noticed = await near!.take(monitor, 'lock')
    const notice = await near!.begin(changed, 'wait', { args: [noticed] })
    const owned = [
      await far!.take(lock, 'lock'),
      await far!.take(book, 'write'),
      await far!.take(monitor, 'lock'),
    ]
    const shared = [
      await far!.take(permits, 'acquire'),
      await far!.take(bounded, 'acquire'),
      await far!.take(diary, 'read'),
    ]
    await far!.call(gun, 'set')
    await far!.begin(line, 'wait')
    const untold = []
    for (const of of [permits, bounded]) untold.push(await near!.begin(of, 'acquire'))
    untold.push(await near!.begin(diary, 'write'))
    const told = [await near!.begin(lock, 'lock'), await near!.begin(book, 'write')]
    const barred = await near!.begin(line, 'wait')
    await isWaiting(notice, barred, ...untold, ...told)
    await far!.closeRegion()

    await rejectsWith(barred.settled, 'OWNER_DIED')
    await notice.settled
    assert.equal(await noticed.told, true)
    assert.equal(await near!.get(gun, 'isSet'), true)
    const came: Held[] = [noticed]
    for (const { held } of told) {
      assert.equal((await held).ownerDied, true)
      came.push(await held)
    }
    for (const { held } of untold) assert.equal((await held).ownerDied, false)

    // Its guards hold nothing any more, and give nothing back.
    for (const guard of [...owned, ...shared]) {
      assert.equal(await guard.held, false)
      await guard.release()
    }
    for (const guard of owned) await rejectsWith(guard.markConsistent(), 'TypeError')
    for (const permit of shared.slice(0, 2)) await permit.forget()
    await isHeld(near!, lock)
    assert.equal(await near!.get(permits, 'value'), 0)

    for (const guard of came) {
      await guard.markConsistent()
      await guard.release()
    }
    for (const { held } of untold) await (await held).release()
    await isFree(near!, lock)
    await isFree(near!, book, 'tryWrite')
    await isFree(near!, diary, 'tryWrite')
    for (const of of [permits, bounded]) assert.equal(await near!.get(of, 'value'), 1)
  })
}
