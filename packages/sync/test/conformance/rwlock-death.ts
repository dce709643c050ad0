import assert from 'node:assert/strict'
import { type Group, isFree, rejectsWith } from './trial.js'

export function rwLockDeath({ mortal }: Group): void {
  mortal('a reader that dies is one less', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('RWLock')
    await far!.take(lock, 'read')
    await far!.take(lock, 'read')
    const reader = await third!.take(lock, 'read')
    const writer = await near!.begin(lock, 'write')
    await far!.kill()
    await reader.release()
    const writing = await writer.held
    assert.equal(writing.ownerDied, false)
    await writing.release()
    await isFree(third!, lock, 'tryWrite')
  })

  mortal('when a writer dies, reads fail until a writer has mended the data', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('RWLock')
    await far!.take(lock, 'write')
    const reading = await third!.begin(lock, 'read')
    await far!.kill()
    await rejectsWith(reading.settled, 'OWNER_DIED')
    await rejectsWith(third!.call(lock, 'tryRead'), 'OWNER_DIED')
    const writing = await near!.take(lock, 'write')
    assert.equal(writing.ownerDied, true)
    await writing.markConsistent()
    await writing.release()
    await isFree(third!, lock, 'tryWrite')
    await (await third!.take(lock, 'read')).release()
  })

  mortal('a writer that says nothing of the data leaves it poisoned', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('RWLock')
    await far!.take(lock, 'write')
    const told = await near!.begin(lock, 'write')
    await far!.kill()
    const careless = await told.held
    assert.equal(careless.ownerDied, true)
    await careless.release()
    await rejectsWith(third!.call(lock, 'write'), 'OWNER_DIED')
    await rejectsWith(third!.call(lock, 'read'), 'OWNER_DIED')
    const repairer = await third!.take(lock, 'write', { repair: true })
    await repairer.markConsistent()
    await repairer.release()
    await isFree(near!, lock, 'tryWrite')
  })

  mortal('a writer that dies while it waits is in no reader’s way', async (trial) => {
    const [near, far, third] = await trial.actors(3)
    const lock = await trial.make('RWLock')
    const reader = await near!.take(lock, 'read')
    await far!.begin(lock, 'write')
    const late = await third!.begin(lock, 'read')
    await far!.kill()
    await (await late.held).release()
    await reader.release()
  })
}
