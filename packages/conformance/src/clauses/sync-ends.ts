import assert from 'node:assert/strict'
import type { BaseChannel } from '@strait/core'
import { BLOCKING_METHODS, blocking } from '../actor.js'
import { startBlockedThread, untilAsleep } from '../blocked-thread.js'
import { fill } from '../fill.js'
import { digest, expected, pattern } from '../pattern.js'
import type { Clause, Trial } from '../suite.js'
import { FEW, later, rejectsWith, throwsWith } from './helpers.js'

/** Everything that can still be received, then the error with which it ended, or undefined: cleanly. */
function drainSync(channel: BaseChannel): { digests: string[]; error: unknown } {
  const sync = blocking(channel)
  const digests: string[] = []
  try {
    for (let message = sync.receiveSync(); message !== undefined; message = sync.receiveSync()) {
      digests.push(digest(message))
    }
    return { digests, error: undefined }
  } catch (error) {
    return { digests, error }
  }
}

export function syncEnds(clause: Clause): void {
  const { deliversAfterPeerDeath, survivesSenderDeath } = clause.subject.transport.capabilities

  clause.test(
    'C6 receiveSync returns undefined for ever at the clean end, behind everything',
    async (trial) => {
      const { near, far } = await trial.couple()
      await far.send(0, [10, 20])
      const closing = far.close()
      assert.deepEqual(drainSync(near), { digests: expected(0, [10, 20]), error: undefined })
      assert.equal(blocking(near).receiveSync(), undefined)
      throwsWith(() => blocking(near).sendSync(pattern(0, 1)), 'CLOSED')
      await closing
      assert.deepEqual(await near.closed, { by: 'peer' })
    },
  )

  clause.test('C7 an aborted peer fails what blocks as it fails what waits', async (trial) => {
    const { near, far } = await trial.couple()
    const waiting = later(near.receive())
    const aborting = far.abort()
    const first = throwsWith(() => blocking(near).receiveSync(), 'RESET')
    throwsWith(() => blocking(near).receiveSync({ timeout: 0 }), 'RESET')
    assert.equal(
      throwsWith(() => blocking(near).sendSync(pattern(0, 1)), 'RESET'),
      first,
    )
    assert.equal(await rejectsWith(waiting, 'RESET'), first)
    assert.equal(await rejectsWith(near.send(pattern(0, 1)), 'RESET'), first)
    assert.deepEqual(await near.closed, { by: 'peer', error: first })
    await aborting
  })

  clause.test(
    'C7 a thread that is blocked in receiveSync gets all of a killed peer, and then its failure',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      await far.send(0, FEW)
      const killed = host!.kill()
      const { digests, error } = drainSync(near)
      const whole = expected(0, FEW)
      const all = deliversAfterPeerDeath && survivesSenderDeath
      assert.deepEqual(digests, all ? whole : whole.slice(0, digests.length))
      const first = await rejectsWith(Promise.reject(error), 'RESET')
      assert.equal(await rejectsWith(near.receive(), 'RESET'), first)
      assert.equal((await near.closed).error, first)
      await killed
    },
    'remote',
  )

  clause.test(
    'C7 a thread that is blocked in sendSync gets the failure of a killed peer, and what it had sent',
    async (trial) => {
      const { near, far, host } = await trial.couple()
      await far.send(0, [10, 20, 30])
      fill(near, 0, 5000)
      const killed = host!.kill()
      const first = throwsWith(() => {
        for (;;) blocking(near).sendSync(pattern(0, 5000))
      }, 'RESET')
      const { digests, error } = drainSync(near)
      const whole = expected(0, [10, 20, 30])
      const all = deliversAfterPeerDeath && survivesSenderDeath
      assert.deepEqual(digests, all ? whole : whole.slice(0, digests.length))
      assert.equal(error, first)
      assert.equal((await near.closed).error, first)
      await killed
    },
    'remote',
  )
}

export function blockedThreads(clause: Clause): void {
  const { module, exported = 'transport', transport } = clause.subject
  if (module === undefined) return

  /** What a blocked thread says before it blocks, where it has a channel to this end. */
  const accepted = async (trial: Trial, listener: Awaited<ReturnType<Trial['listen']>> | undefined) => {
    if (listener === undefined) return undefined
    const channel = trial.keep((await listener.accept())!)
    assert.equal(digest((await channel.receive())!), expected(0, [9])[0])
    return channel
  }

  const endsInReset = async (channel: BaseChannel | undefined) => {
    if (channel === undefined) return
    await rejectsWith(
      (async () => {
        for await (const message of channel) assert.equal(message.length, 60_000)
      })(),
      'RESET',
      'TRUNCATED',
    )
  }

  for (const method of BLOCKING_METHODS) {
    clause.once(`C12 a worker that is blocked in ${method} may be terminated`, async (trial) => {
      const listener = transport.listen === undefined ? undefined : await trial.listen()
      const { worker, asleep } = startBlockedThread({ module, exported }, method, listener?.url.href)
      const channel = await accepted(trial, listener)
      await asleep
      await worker.terminate()
      await endsInReset(channel)
    })

    clause.once(`C12 a process may exit while a worker of it is blocked in ${method}`, async (trial) => {
      const listener = transport.listen === undefined ? undefined : await trial.listen()
      const host = trial.host()
      const address = listener === undefined ? [] : [listener.url.href]
      const asleep = host.call('block thread', method, ...address)
      const channel = await accepted(trial, listener)
      await asleep
      void host.call('exit', 3)
      assert.deepEqual(await host.exited, { exitCode: 3, signal: null })
      await endsInReset(channel)
    })

    clause.test(
      `C12 SIGTERM ends a process that is blocked in ${method}`,
      async (trial) => {
        const { near, far, host } = await trial.couple()
        void far.blockIn(method)
        assert.equal((await near.receive())!.length, 9)
        await untilAsleep(`/proc/${host!.process!.pid}`)
        host!.process!.kill('SIGTERM')
        assert.deepEqual(await host!.exited, { exitCode: null, signal: 'SIGTERM' })
        await endsInReset(near)
      },
      'remote',
    )
  }
}
