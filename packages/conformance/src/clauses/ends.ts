import assert from 'node:assert/strict'
import type { BaseChannel } from '@strait/core'
import { fill, overfill } from '../fill.js'
import { digest, expected, pattern } from '../pattern.js'
import type { Clause } from '../suite.js'
import { FEW, later, rejectsWith, settlesSoon, throwsWith } from './helpers.js'

/** Everything that can still be received, then the error with which it ended, or undefined: cleanly. */
async function drain(channel: BaseChannel): Promise<{ digests: string[]; error: unknown }> {
  const digests: string[] = []
  try {
    for await (const message of channel) digests.push(digest(message))
    return { digests, error: undefined }
  } catch (error) {
    return { digests, error }
  }
}

export function C6(clause: Clause): void {
  clause.test(
    'C6 the peer receives everything accepted before close, then undefined for ever',
    async (trial) => {
      const { near, far } = await trial.couple()
      const sizes = Array.from({ length: 200 }, (_, index) => (index * 331) % 40_000)
      const sends = sizes.map((size, index) => near.send(pattern(index, size)))
      const closed = near.close()
      assert.equal(near.state, 'closing')
      assert.deepEqual(await far.receive(sizes.length + 1), { digests: expected(0, sizes), end: 'clean' })
      assert.deepEqual(await far.receive(1), { digests: [], end: 'clean' })
      await Promise.all(sends)
      await closed
      assert.deepEqual(await near.closed, { by: 'local' })
      assert.deepEqual(await far.closed(), { by: 'peer', code: null })
      assert.equal(near.state, 'closed')
      assert.equal(await far.state(), 'closed')
    },
  )

  clause.test('C6 after a clean end the sends of the other side fail with CLOSED', async (trial) => {
    const { near, far } = await trial.couple()
    const closing = far.close()
    assert.equal(await near.receive(), undefined)
    assert.equal(await near.receive(), undefined)
    assert.equal(near.tryReceive(), undefined)
    await rejectsWith(near.send(pattern(0, 1)), 'CLOSED')
    throwsWith(() => near.trySend(pattern(0, 1)), 'CLOSED')
    await closing
    assert.deepEqual(await near.closed, { by: 'peer' })
    assert.equal(await far.sendFails(), 'ERR_STRAIT_CLOSED')
  })

  clause.test('C6 the end is noticed by who only listens for it', async (trial) => {
    const { near, far } = await trial.couple()
    await Promise.all([far.close(), near.closed])
    assert.deepEqual(await near.closed, { by: 'peer' })
  })

  clause.test('C6 unread input does not make the kernel throw away our output', async (trial) => {
    const { near, far } = await trial.couple()
    // More than is read ahead.
    await far.fill(0, 1000, 300)
    const sizes = Array.from({ length: 100 }, () => 10_000)
    const sends = sizes.map((size, index) => near.send(pattern(100 + index, size)))
    const closed = near.close()
    assert.deepEqual(await far.receive(sizes.length + 1), { digests: expected(100, sizes), end: 'clean' })
    await Promise.all(sends)
    await closed
  })

  clause.test('C6 both ends may close at once', async (trial) => {
    const { near, far } = await trial.couple()
    const sent = near.send(pattern(0, 1000))
    await Promise.all([near.close(), far.close(), sent])
    // Either may hear of the other's end before it says its own.
    assert.equal((await near.closed).error, undefined)
    assert.equal((await far.closed()).code, null)
  })

  clause.test(
    'C6 close waits for a peer that does not read, and its signal turns it into abort',
    async (trial) => {
      const { near, far } = await trial.couple()
      await near.send(pattern(0, 10))
      await near.send(pattern(1, 10))
      const controller = new AbortController()
      const closing = near.close({ signal: controller.signal })
      assert.equal(await settlesSoon(closing), false)
      assert.equal(near.state, 'closing')
      controller.abort()
      await rejectsWith(closing, 'ABORTED')
      assert.equal(near.state, 'closed')
      // The end had left before: the peer reads it, and finds everything before it.
      assert.deepEqual((await far.receive(3)).digests, expected(0, [10, 10]))
    },
  )

  clause.once(
    'C6 leaving `await using` lingers for a slow close, and then aborts',
    async (trial) => {
      const { near } = await trial.couple()
      await near.send(pattern(0, 10))
      await near.send(pattern(1, 10))
      await near[Symbol.asyncDispose]()
      assert.equal(near.state, 'closed')
    },
    10,
  )
}

export function C7(clause: Clause): void {
  const { deliversAfterPeerDeath, survivesSenderDeath } = clause.subject.transport.capabilities

  clause.test(
    'C7 an aborted peer fails what waits and what comes later, with one and the same error',
    async (trial) => {
      const { near, far } = await trial.couple()
      const waiting = [later(near.receive()), later(near.receive())]
      await far.abort()
      const errors = await Promise.all(waiting.map((receive) => rejectsWith(receive, 'RESET')))
      const [first] = errors
      assert.equal(errors[1], first)
      assert.equal(await rejectsWith(near.receive(), 'RESET'), first)
      assert.equal(await rejectsWith(near.send(pattern(0, 1)), 'RESET'), first)
      assert.equal(
        throwsWith(() => near.tryReceive(), 'RESET'),
        first,
      )
      assert.equal(
        throwsWith(() => near.trySend(pattern(0, 1)), 'RESET'),
        first,
      )
      assert.deepEqual(await near.closed, { by: 'peer', error: first })
      assert.equal(near.state, 'closed')
    },
  )

  clause.test('C7 what an aborted peer had sent is handed out before the error', async (trial) => {
    const { near, far } = await trial.couple()
    await far.send(0, [100, 200, 300])
    await far.abort()
    const { digests, error } = await drain(near)
    assert.deepEqual(digests, expected(0, [100, 200, 300]))
    await rejectsWith(Promise.reject(error), 'RESET')
  })

  clause.test(
    'C7 a killed peer fails a waiting receive, a waiting send and `closed` alike',
    async (trial) => {
      const { near, host } = await trial.couple()
      const receiving = later(near.receive())
      const sending = overfill(near, 0, 10_000).last
      await host!.kill()
      const first = await rejectsWith(receiving, 'RESET')
      assert.equal(await rejectsWith(sending, 'RESET'), first)
      assert.equal((await near.closed).error, first)
    },
    'remote',
  )

  clause.test(
    'C7 a killed peer is noticed by who only sends',
    async (trial) => {
      const { near, host } = await trial.couple()
      await host!.kill()
      await rejectsWith(
        (async () => {
          for (let index = 0; ; index++) await near.send(pattern(index, 1000))
        })(),
        'RESET',
      )
    },
    'remote',
  )

  clause.test(
    `C7 unread messages of a killed peer are ${deliversAfterPeerDeath ? '' : 'not always '}handed out, also after a failed send`,
    async (trial) => {
      const { near, far, host } = await trial.couple()
      await far.send(0, FEW)
      // Unread input on the dying side too: the kernel then says ECONNRESET before the data.
      await near.send(pattern(0, 10))
      await near.send(pattern(0, 10))
      await host!.kill()
      const failure = await rejectsWith(
        (async () => {
          for (let index = 0; ; index++) await near.send(pattern(index, 1000))
        })(),
        'RESET',
      )
      const { digests, error } = await drain(near)
      // Where a message can die with its sender, it may not have arrived although it was sent.
      const whole = expected(0, FEW)
      const all = deliversAfterPeerDeath && survivesSenderDeath
      assert.deepEqual(digests, all ? whole : whole.slice(0, digests.length))
      assert.equal(error, failure)
    },
    'remote',
  )

  clause.test(
    'C7 a message that death cut is not delivered',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      await far.send(0, [10])
      const large = near.capabilities.maxMessageSize
      void far.send(1, [large, large, large]).catch(() => {})
      // The first is looked ahead and nobody reads: some of what is behind it stays unfinished.
      await new Promise((resolve) => setTimeout(resolve, 20))
      await host!.kill()
      const { digests, error } = await drain(near)
      assert.deepEqual(digests, expected(0, [10, large, large, large]).slice(0, digests.length))
      assert.ok(digests.length >= 1 && digests.length < 4)
      await rejectsWith(Promise.reject(error), 'TRUNCATED', 'RESET')
    },
    'remote',
  )

  clause.test(
    'C7 a peer that exits without closing is a reset, not a clean end',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      await far.send(0, [10])
      // Where a message may die with its sender, it must have come before the sender goes.
      const lasting = trial.transport.capabilities.survivesSenderDeath
      const early = lasting ? [] : [digest((await near.receive())!)]
      void host!.call('exit', 3)
      const { digests, error } = await drain(near)
      assert.deepEqual([...early, ...digests], expected(0, [10]))
      const reset = await rejectsWith(Promise.reject(error), 'RESET')
      if (trial.arrangement !== 'spawned peer') return
      assert.deepEqual(reset.cause, { exitCode: 3, signal: null })
    },
    'remote',
  )

  clause.test(
    'C7 the failure of a spawned peer that was killed says how it ended',
    async (trial) => {
      if (trial.arrangement !== 'spawned peer') return
      const { near, host } = await trial.couple()
      const exit = await host!.kill()
      const reset = await rejectsWith(near.receive(), 'RESET')
      assert.deepEqual(reset.cause, exit)
      if (host!.process !== undefined) assert.deepEqual(exit, { exitCode: null, signal: 'SIGKILL' })
    },
    'remote',
  )
}

export function C8(clause: Clause): void {
  clause.test(
    'C8 close unblocks receives with the clean end, and lets waiting sends go first',
    async (trial) => {
      const { near, far } = await trial.couple()
      const receives = [near.receive(), near.receive()]
      const count = fill(near, 0, 5000)
      const sending = near.send(pattern(count, 5000))
      const closed = near.close()
      assert.deepEqual(await Promise.all(receives), [undefined, undefined])
      const sizes = Array.from({ length: count + 1 }, () => 5000)
      assert.deepEqual(await far.receive(count + 2), { digests: expected(0, sizes), end: 'clean' })
      await sending
      await closed
      assert.equal(await near.receive(), undefined)
      await rejectsWith(near.send(pattern(0, 1)), 'CLOSED')
    },
  )

  clause.test('C8 abort unblocks everything with ABORTED, and keeps the reason', async (trial) => {
    const { near } = await trial.couple()
    const receiving = near.receive()
    const sending = overfill(near, 0, 5000).last
    const reason = new Error('enough')
    near.abort(reason)
    assert.equal(near.state, 'closed')
    const error = await rejectsWith(receiving, 'ABORTED')
    assert.equal(error.cause, reason)
    assert.equal(await rejectsWith(sending, 'ABORTED'), error)
    assert.deepEqual(await near.closed, { by: 'local', error })
  })

  clause.test('C8 close and abort may be called again, in any order', async (trial) => {
    const { near, far } = await trial.couple()
    const reading = far.receive(1)
    await Promise.all([near.close(), near.close(), near.close()])
    await near.close()
    near.abort()
    await near.close()
    await near[Symbol.asyncDispose]()
    assert.deepEqual(await near.closed, { by: 'local' })
    assert.equal((await reading).end, 'clean')
  })

  clause.test('C8 close after abort resolves', async (trial) => {
    const { near } = await trial.couple()
    near.abort()
    near.abort('again')
    await near.close()
    assert.equal(near.state, 'closed')
  })

  clause.named('C8 close of a listener unblocks accepts, and may be called again', async (trial) => {
    const listener = await trial.listen()
    const accepts = [listener.accept(), listener.accept()]
    await Promise.all([listener.close(), listener.close()])
    assert.deepEqual(await Promise.all(accepts), [undefined, undefined])
    assert.equal(await listener.accept(), undefined)
    for await (const channel of listener) assert.fail(`a closed listener gave ${channel.url}`)
  })
}
