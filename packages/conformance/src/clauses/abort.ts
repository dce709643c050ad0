import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { overfill } from '../fill.js'
import { digest, expected, pattern } from '../pattern.js'
import type { Clause } from '../suite.js'
import { rejectsWith, settlesSoon } from './helpers.js'

export function C9(clause: Clause): void {
  clause.test(
    'C9 `readable` takes nothing, tells of the end, and leaves no trace when aborted',
    async (trial) => {
      const { near, far } = await trial.couple()
      const controller = new AbortController()
      const waiting = near.readable({ signal: controller.signal })
      assert.equal(await settlesSoon(waiting), false)
      controller.abort()
      await rejectsWith(waiting, 'ABORTED')
      const both = Promise.all([near.readable(), near.readable()])
      await far.send(0, [10, 20])
      await both
      await near.readable()
      const messages = [near.tryReceive()!]
      await near.readable()
      messages.push(near.tryReceive()!)
      assert.deepEqual(messages.map(digest), expected(0, [10, 20]))
      const end = near.readable()
      assert.equal(await settlesSoon(end), false)
      const closing = far.close()
      await end
      assert.equal(await near.receive(), undefined)
      await near.readable()
      await closing
    },
  )

  clause.test('C9 an aborted receive has taken no message', async (trial) => {
    const { near, far } = await trial.couple()
    const reason = new Error('changed my mind')
    const controller = new AbortController()
    const receiving = near.receive({ signal: controller.signal })
    controller.abort(reason)
    const error = await rejectsWith(receiving, 'ABORTED')
    assert.equal(error.cause, reason)
    await far.send(0, [10])
    assert.equal(digest((await near.receive())!), expected(0, [10])[0])
  })

  clause.test('C9 receives aborted while messages pour in lose and reorder nothing', async (trial) => {
    const { near, far } = await trial.couple()
    const sizes = Array.from({ length: 300 }, (_, index) => index)
    const sent = far.send(0, sizes)
    const digests: string[] = []
    for (let round = 0; digests.length < sizes.length; round++) {
      const controller = new AbortController()
      const receiving = near.receive({ signal: controller.signal })
      if (round % 3 === 0) controller.abort()
      else if (round % 3 === 1) setImmediate(() => controller.abort())
      try {
        digests.push(digest((await receiving)!))
      } catch (error) {
        await rejectsWith(Promise.reject(error), 'ABORTED')
      }
    }
    await sent
    assert.deepEqual(digests, expected(0, sizes))
  })

  clause.test('C9 an aborted send has sent nothing', async (trial) => {
    const { near, far } = await trial.couple()
    const { count, sends } = overfill(near, 0, 5000)
    const controller = new AbortController()
    const taken = near.send(pattern(666, 5000), { signal: controller.signal })
    const after = near.send(pattern(count, 5000))
    controller.abort()
    await rejectsWith(taken, 'ABORTED')
    const sizes = Array.from({ length: count + 1 }, () => 5000)
    assert.deepEqual((await far.receive(count + 1)).digests, expected(0, sizes))
    await Promise.all([...sends, after])
    await Promise.all([near.close(), far.receive(1).then(({ end }) => assert.equal(end, 'clean'))])
  })

  clause.test('C9 a signal that was aborted before has no effect but the rejection', async (trial) => {
    const { near, far } = await trial.couple()
    const signal = AbortSignal.abort()
    await rejectsWith(near.send(pattern(0, 10), { signal }), 'ABORTED')
    await rejectsWith(near.receive({ signal }), 'ABORTED')
    const echoed = far.echo()
    await near.send(pattern(1, 10), { signal: new AbortController().signal })
    assert.equal(digest((await near.receive())!), expected(1, [10])[0])
    await near.close()
    assert.equal(await echoed, 'clean')
  })

  clause.test('C9 a signal that comes too late changes nothing, and nothing is left on it', async (trial) => {
    const { near, far } = await trial.couple()
    const controller = new AbortController()
    const { signal } = controller
    const receiving = near.receive({ signal })
    await far.send(0, [1])
    await receiving
    await near.send(pattern(0, 1), { signal })
    const open = near.receive({ signal })
    const closing = near.close()
    assert.equal(await open, undefined)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    controller.abort()
    assert.deepEqual((await far.receive(2)).end, 'clean')
    await closing
  })

  clause.test('C9 a send that the channel has taken is not taken back', async (trial) => {
    const { near, far } = await trial.couple()
    const controller = new AbortController()
    const sizes: number[] = []
    const outcomes: Promise<boolean>[] = []
    for (let index = 0; index < 200; index++) {
      const size = 20_000
      sizes.push(size)
      const settled = near.send(pattern(index, size), { signal: controller.signal })
      outcomes.push(
        settled.then(
          () => true,
          () => false,
        ),
      )
    }
    const reading = far.receive(sizes.length)
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    const kept = (await Promise.all(outcomes)).filter(Boolean).length
    const closing = near.close()
    const { digests, end } = await reading
    if (kept < sizes.length) assert.equal(end, 'clean')
    assert.deepEqual(digests, expected(0, sizes).slice(0, kept))
    if (kept === sizes.length) assert.equal((await far.receive(1)).end, 'clean')
    await closing
  })

  clause.test('C9 leaving `for await` by break neither closes nor loses a message', async (trial) => {
    const { near, far } = await trial.couple()
    const sizes = [1, 2, 3, 4, 5, 6]
    await far.send(0, sizes)
    const digests: string[] = []
    for (let loops = 0; loops < 3; loops++) {
      for await (const message of near) {
        digests.push(digest(message))
        if (digests.length % 2 === 0) break
      }
    }
    assert.deepEqual(digests, expected(0, sizes))
    assert.equal(near.state, 'open')
  })

  clause.named('C9 an aborted accept has taken no channel', async (trial) => {
    const listener = await trial.listen()
    const controller = new AbortController()
    const accepting = listener.accept({ signal: controller.signal })
    controller.abort()
    await rejectsWith(accepting, 'ABORTED')
    await rejectsWith(listener.accept({ signal: AbortSignal.abort() }), 'ABORTED')
    const connected = await trial.connect(listener.url)
    const accepted = trial.keep((await listener.accept())!)
    await connected.send(pattern(0, 5))
    assert.equal(digest((await accepted.receive())!), expected(0, [5])[0])
  })

  clause.named('C9 an aborted connect leaves nothing', async (trial) => {
    const listener = await trial.listen()
    await rejectsWith(trial.connect(listener.url, { signal: AbortSignal.abort() }), 'ABORTED')
    const controller = new AbortController()
    const connecting = trial.connect(listener.url, { signal: controller.signal })
    controller.abort()
    await connecting.catch((error) => rejectsWith(Promise.reject(error), 'ABORTED'))
  })
}
