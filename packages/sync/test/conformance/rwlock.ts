import assert from 'node:assert/strict'
import { type Group, isFree, isHeld, isWaiting, rejectsWith } from './trial.js'

export function rwLock({ test, mortal, parallel }: Group): void {
  test('readers see what writers have finished, and nothing of what they have not', async (trial) => {
    const actors = await trial.actors(3)
    const lock = await trial.make('RWLock')
    const halves = trial.word(2)
    const writing = [
      await actors[0]!.run('writeHalves', lock, { rounds: 60, halves }),
      await actors[1]!.run('writeHalves', lock, { rounds: 60, halves }),
    ]
    const reading = [
      await actors[2]!.run<number>('readHalves', lock, { rounds: 60, halves }),
      await actors[0]!.run<number>('readHalves', lock, { rounds: 60, halves }),
    ]
    for (const { settled } of writing) await settled
    for (const { settled } of reading) assert.equal(await settled, 0)
    assert.deepEqual([trial.words[halves], trial.words[halves + 1]], [120, 120])
  })

  test('many read at a time, and one writes alone', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('RWLock')
    const readers = [await near!.take(lock, 'read'), await far!.take(lock, 'tryRead')]
    assert.equal(await far!.get(lock, 'readers'), 2)
    await isHeld(near!, lock, 'tryWrite')
    for (const reader of readers) await reader.release()
    const writer = await far!.take(lock, 'tryWrite')
    assert.equal(await near!.get(lock, 'writing'), true)
    await isHeld(near!, lock, 'tryRead')
    await isHeld(near!, lock, 'tryWrite')
    await writer.release()
    await isFree(near!, lock, 'tryWrite')
  })

  test('no reader overtakes a writer that waits', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('RWLock')
    for (const actor of [near!, far!]) {
      const reader = await near!.take(lock, 'read')
      // Of one event loop: one that is busy is passed over.
      const writer = await actor.begin(lock, 'write')
      const late = await actor.begin(lock, 'read')
      await isHeld(near!, lock, 'tryRead')
      await isWaiting(writer, late)
      await reader.release()
      const writing = await writer.held
      await isWaiting(late)
      await writing.release()
      await (await late.held).release()
    }
  })

  test('readers in a row come in together behind a writer', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('RWLock')
    const writer = await near!.take(lock, 'write')
    const readers = [
      await near!.begin(lock, 'read'),
      await far!.begin(lock, 'read'),
      await far!.begin(lock, 'read'),
    ]
    const last = await far!.begin(lock, 'write')
    await writer.release()
    const reading = []
    for (const { held } of readers) reading.push(await held)
    assert.equal(await near!.get(lock, 'readers'), 3)
    await isWaiting(last)
    for (const reader of reading) await reader.release()
    await (await last.held).release()
  })

  test('a writer gets it although readers follow each other closely', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('RWLock')
    const log = trial.word(2)
    const reading = await far!.run('overlap', lock, { log })
    const writing = await near!.run('record', lock, { method: 'write', log, tag: 1 })
    await writing.settled
    await reading.settled
  })

  test('an aborted writer lets the readers behind it in', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('RWLock')
    const reader = await near!.take(lock, 'read')
    const writer = await far!.begin(lock, 'write', { signal: {} })
    const late = await near!.begin(lock, 'read')
    await isWaiting(writer, late)
    await writer.abort()
    await rejectsWith(writer.settled, 'ABORTED')
    const reading = await late.held
    assert.equal(await near!.get(lock, 'readers'), 2)
    await reading.release()
    await reader.release()
    await isFree(far!, lock, 'tryWrite')
  })

  test('what is held by a task of this thread is a DEADLOCK for the thread', async (trial) => {
    const actors = await trial.actors(2)
    const lock = await trial.make('RWLock')
    for (const actor of actors) {
      const writer = await actor.take(lock, 'write')
      await rejectsWith(actor.call(lock, 'readSync', { timeout: 60_000 }), 'DEADLOCK')
      await rejectsWith(actor.call(lock, 'writeSync', { timeout: 60_000 }), 'DEADLOCK')
      await writer.release()
      const reader = await actor.take(lock, 'read')
      await rejectsWith(actor.call(lock, 'writeSync', { timeout: 60_000 }), 'DEADLOCK')
      await reader.release()
    }
  })

  parallel('readSync and writeSync wait until they may', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('RWLock')
    for (const method of ['readSync', 'writeSync']) {
      const held = await near!.take(lock, 'write')
      const blocked = await far!.begin(lock, method)
      await isWaiting(blocked)
      await held.release()
      await (await blocked.held).release()
    }
  })

  mortal('readSync and writeSync give up after their time', async (trial) => {
    const [near, far] = await trial.actors(2)
    const lock = await trial.make('RWLock')
    const held = await near!.take(lock, 'write')
    for (const method of ['readSync', 'writeSync']) {
      await rejectsWith(far!.call(lock, method, { timeout: 20 }), 'TIMEOUT')
    }
    await held.release()
    await isFree(far!, lock, 'tryWrite')
  })
}
