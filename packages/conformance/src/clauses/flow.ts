import assert from 'node:assert/strict'
import { fill } from '../fill.js'
import { digest, expected, pattern } from '../pattern.js'
import type { Clause } from '../suite.js'
import { FEW, rejectsWith, settlesSoon } from './helpers.js'

export function C4(clause: Clause): void {
  clause.test(
    'C4 with nobody reading, trySend returns false after bounded bytes, and nothing is lost',
    async (trial) => {
      const { near, far } = await trial.couple()
      const size = Math.min(10_000, near.capabilities.maxMessageSize)
      const count = fill(near, 0, size)
      const sizes = Array.from({ length: count }, () => size)
      assert.deepEqual((await far.receive(count)).digests, expected(0, sizes))
      const last = far.receive(1)
      await near.send(pattern(count, 5))
      assert.deepEqual((await last).digests, expected(count, [5]))
    },
  )

  clause.test('C4 empty messages are bounded too', async (trial) => {
    const { near, far } = await trial.couple()
    const count = fill(near, 0, 0)
    const received = await far.receive(count)
    assert.equal(received.digests.length, count)
    assert.equal(received.end, undefined)
  })

  clause.test('C4 both directions full at once come free again', async (trial) => {
    const { near, far } = await trial.couple()
    const size = Math.min(20_000, near.capabilities.maxMessageSize)
    const theirs = await far.fill(0, size)
    const ours = fill(near, 1_000_000, size)
    const blocked = near.send(pattern(1_000_000 + ours, size))
    const farBlocked = far.send(theirs, [size])
    for (let index = 0; index <= theirs; index++) {
      assert.equal(digest((await near.receive())!), expected(index, [size])[0])
    }
    const received = await far.receive(ours + 1)
    assert.deepEqual(
      received.digests,
      expected(
        1_000_000,
        Array.from({ length: ours + 1 }, () => size),
      ),
    )
    await Promise.all([blocked, farBlocked])
  })

  clause.test('C4 a slow reader gets everything', async (trial) => {
    const { near, far } = await trial.couple()
    const sizes = Array.from({ length: 400 }, (_, index) => (index * 997) % 9000)
    const sent = far.send(0, sizes)
    for (let index = 0; index < sizes.length; index++) {
      if (index % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      assert.equal(digest((await near.receive())!), expected(index, [sizes[index]!])[0])
    }
    await sent
  })
}

export function C5(clause: Clause): void {
  const { survivesSenderDeath } = clause.subject.transport.capabilities

  clause.test('C5 what was taken and is flushed is nowhere but on its way', async (trial) => {
    const { near, far } = await trial.couple()
    const received = far.receive(3)
    let sent = 0
    while (sent < 3 && near.trySend(pattern(sent, 100))) sent++
    await near.flushed()
    assert.equal(near.flushed(), undefined)
    for (; sent < 3; sent++) await near.send(pattern(sent, 100))
    assert.deepEqual((await received).digests, expected(0, [100, 100, 100]))
  })

  clause.test('C5 send resolves although the peer has not read', async (trial) => {
    const { near, far } = await trial.couple()
    await near.send(pattern(0, 100))
    await near.send(pattern(1, 100))
    assert.deepEqual((await far.receive(2)).digests, expected(0, [100, 100]))
  })

  clause.test('C5 send waits while the peer is full, and resolves when it has left', async (trial) => {
    const { near, far, host } = await trial.couple()
    const size = Math.min(10_000, near.capabilities.maxMessageSize)
    let count = 0
    for (let taken = fill(near, 0, size); taken > 0; taken = fill(near, count, size)) {
      count += taken
      await settlesSoon(new Promise(() => {}))
    }
    const waiting = [0, 1, 2].map((offset) => near.send(pattern(count + offset, size)))
    // Another process may still be reading ahead; here a few turns show that nothing moves.
    if (host === undefined) assert.equal(await settlesSoon(Promise.race(waiting)), false)
    const received = await far.receive(count + 3)
    await Promise.all(waiting)
    assert.deepEqual(
      received.digests,
      expected(
        0,
        Array.from({ length: count + 3 }, () => size),
      ),
    )
  })

  clause.test(
    `C5 messages whose send had resolved ${survivesSenderDeath ? 'arrive although' : 'may be lost when'} the sender is killed`,
    async (trial) => {
      const { near, far, host } = await trial.couple()
      await far.send(0, FEW)
      await host!.kill()
      const digests: string[] = []
      await rejectsWith(
        (async () => {
          for (let message = await near.receive(); message !== undefined; message = await near.receive()) {
            digests.push(digest(message))
          }
        })(),
        'RESET',
      )
      const whole = expected(0, FEW)
      assert.deepEqual(digests, survivesSenderDeath ? whole : whole.slice(0, digests.length))
    },
    'remote',
  )
}
