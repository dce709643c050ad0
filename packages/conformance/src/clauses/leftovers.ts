import assert from 'node:assert/strict'
import { StraitError } from '@strait/core'
import { overfill } from '../fill.js'
import { expected, pattern } from '../pattern.js'
import type { Clause } from '../suite.js'
import { rejectsWith } from './helpers.js'
import { kills } from './kills.js'

export function C11(clause: Clause): void {
  clause.test('C11 opening and closing many times leaves nothing', async (trial) => {
    const remote = trial.arrangement !== 'pair' && !trial.arrangement.startsWith('here')
    for (let round = 0; round < (remote ? 3 : 30); round++) {
      const { near, far } = await trial.couple()
      const reading = far.receive(2)
      await near.send(pattern(round, 100))
      await near.close()
      assert.deepEqual(await reading, { digests: expected(round, [100]), end: 'clean' })
    }
  })

  clause.test('C11 aborting in the middle of everything leaves nothing', async (trial) => {
    const { near, far } = await trial.couple()
    const receiving = near.receive()
    await far.fill(0, 10_000)
    await receiving
    overfill(near, 0, 10_000)
    const failing = [near.send(pattern(0, 10)), near.send(pattern(0, 10))]
    near.abort()
    for (const send of failing) await rejectsWith(send, 'ABORTED')
  })

  kills(clause)

  const { threads } = clause.subject.transport.capabilities
  const inThreads = threads ? 'may be terminated with channels open' : 'is NOT_SUPPORTED'
  clause.named(`C11 a worker thread ${inThreads}`, async (trial) => {
    if (trial.transport.capabilities.scope === 'process') return
    const { Worker } = await import('node:worker_threads')
    const { once } = (await import('node:events')).default
    const listener = await trial.listen()
    const code = `
      import(${JSON.stringify(trial.subject.module)})
        .then(({ ${trial.subject.exported ?? 'transport'}: transport }) => transport.connect(new URL(${JSON.stringify(listener.url.href)})))
        .then(async (channel) => { await channel.send(new Uint8Array(9)); await channel.receive() })
        .catch(({ code }) => require('node:worker_threads').parentPort.postMessage(code))`
    const worker = new Worker(code, { eval: true })
    if (!threads) {
      assert.deepEqual(await once(worker, 'message'), ['ERR_STRAIT_NOT_SUPPORTED'])
      return
    }
    const accepted = trial.keep((await listener.accept())!)
    assert.equal((await accepted.receive())!.length, 9)
    const exited = once(worker, 'exit')
    await worker.terminate()
    await exited
    await rejectsWith(accepted.receive(), 'RESET')
  })

  clause.once('C11 a failed listen leaves nothing', async (trial) => {
    const { listen } = trial.transport
    if (listen === undefined) return
    await trial.listen({ signal: AbortSignal.abort() }).then(
      (listener) => listener.close(),
      (error) => assert.ok(StraitError.is(error, 'ABORTED')),
    )
  })
}
