import assert from 'node:assert/strict'
import { Everything } from './everything.js'
import { type Group, rejectsWith } from './trial.js'

const NONE = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null]

export function numbers({ test }: Group): void {
  test('what is no number of permits, of parties, or of notices is a RangeError, and does nothing', async (trial) => {
    const [near] = await trial.actors(1)
    const { permits, bounded, changed } = await Everything.make(trial, [near!])
    for (const count of [...NONE, 2 ** 31]) await rejectsWith(trial.make('Semaphore', count), 'RangeError')
    for (const count of [...NONE, 0, 2 ** 31])
      await rejectsWith(trial.make('BoundedSemaphore', count), 'RangeError')
    for (const count of [...NONE, 0, 16_384]) await rejectsWith(trial.make('Barrier', count), 'RangeError')
    for (const of of [permits, bounded]) {
      for (const count of [...NONE, 0, 2 ** 31]) {
        await rejectsWith(near!.call(of, 'release', { args: [count] }), 'RangeError')
      }
      assert.equal(await near!.get(of, 'value'), 1)
    }
    for (const count of [...NONE, 0])
      await rejectsWith(near!.call(changed, 'notify', { args: [count] }), 'RangeError')
  })

  test('what is no time is a RangeError, whether there would be a wait or not', async (trial) => {
    const [near] = await trial.actors(1)
    const all = await Everything.make(trial, [near!])
    const guard = await near!.take(all.monitor, 'lock')
    for (const timeout of [-1, Number.NaN, '1'] as number[]) {
      for (const [of, method] of all.waits) {
        const args = of === all.changed ? [guard] : []
        await rejectsWith(near!.call(of, `${method}Sync`, { args, timeout }), 'RangeError')
      }
    }
    assert.equal(await guard.held, true)
    await guard.release()
    for (const [of, method] of all.tries) await (await near!.take(of, method)).release()
    assert.equal(await near!.get(all.line, 'waiting'), 0)
  })
}
