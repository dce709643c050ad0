import assert from 'node:assert/strict'
import { BLOCKING_METHODS, blocking } from '../actor.js'
import { untilStopped } from '../blocked-thread.js'
import { fill } from '../fill.js'
import { digest, expected, pattern } from '../pattern.js'
import type { Clause } from '../suite.js'
import { FEW, throwsWith } from './helpers.js'
import { blockedThreads, syncEnds } from './sync-ends.js'

/** Up to more than any mechanism holds, in bytes. */
const SIZES = [
  0, 1, 7, 8, 4095, 4096, 4097, 32_767, 32_768, 65_535, 65_536, 65_537, 1_000_000, 5_000_000, 0, 1,
]

/** Long enough to time out in, in ms. */
const MOMENT = 30

const repeated = (size: number, count: number) => Array.from({ length: count }, () => size)

export function sync(clause: Clause): void {
  if (!clause.subject.transport.capabilities.sync) {
    clause.test('C12 a channel of a transport without `sync` cannot block its thread', async (trial) => {
      const { near } = await trial.couple()
      for (const method of BLOCKING_METHODS) assert.equal(method in near, false)
    })
    return
  }
  messages(clause)
  order(clause)
  timeouts(clause)
  syncEnds(clause)
  blockedThreads(clause)
}

function messages(clause: Clause): void {
  const sizes = SIZES.filter((size) => size <= clause.subject.transport.capabilities.maxMessageSize)

  clause.test(
    'C1 sendSync passes messages of every size to a peer that reads',
    async (trial) => {
      const { near, far } = await trial.couple()
      const received = far.receive(sizes.length)
      for (const [index, size] of sizes.entries()) blocking(near).sendSync(pattern(index, size))
      assert.deepEqual(await received, { digests: expected(0, sizes) })
    },
    'remote',
  )

  clause.test(
    'C1 receiveSync gets messages of every size from a peer that sends meanwhile',
    async (trial) => {
      const { near, far } = await trial.couple()
      const sent = far.send(0, sizes)
      for (const [index, size] of sizes.entries())
        assert.equal(digest(blocking(near).receiveSync()!), expected(index, [size])[0])
      await sent
    },
    'remote',
  )

  clause.test('C1 what sendSync took and what receiveSync gives need no event loop here', async (trial) => {
    const { near, far } = await trial.couple()
    const turn = setImmediate(() => assert.fail('the event loop had a turn'))
    for (const [index, size] of FEW.entries()) blocking(near).sendSync(pattern(index, size))
    clearImmediate(turn)
    assert.deepEqual((await far.receive(FEW.length)).digests, expected(0, FEW))
    await far.send(50, FEW)
    const later = setImmediate(() => assert.fail('the event loop had a turn'))
    for (const [index, size] of FEW.entries())
      assert.equal(digest(blocking(near).receiveSync()!), expected(50 + index, [size])[0])
    clearImmediate(later)
  })

  clause.test('C1 what sendSync refuses it has not sent', async (trial) => {
    const { near, far } = await trial.couple({ maxMessageSize: 1000 })
    const channel = blocking(near)
    assert.throws(() => channel.sendSync('text' as never), TypeError)
    throwsWith(() => channel.sendSync(pattern(0, 1001)), 'TOO_LARGE')
    channel.sendSync(pattern(1, 1000))
    assert.deepEqual((await far.receive(1)).digests, expected(1, [1000]))
  })

  clause.test("C3 the sender's buffer is its own again when sendSync returns", async (trial) => {
    const { near, far } = await trial.couple()
    for (const [index, size] of FEW.entries()) {
      const buffer = pattern(index, size)
      blocking(near).sendSync(buffer)
      buffer.fill(0xee)
    }
    assert.deepEqual((await far.receive(FEW.length)).digests, expected(0, FEW))
  })

  clause.test(
    'C3 so is that of a message which leaves in parts',
    async (trial) => {
      const { near, far } = await trial.couple()
      const sizes = [1, 100, 5000, 20_000]
      const received = far.receive(sizes.length)
      for (const [index, size] of sizes.entries()) {
        const buffer = pattern(index, size)
        blocking(near).sendSync(buffer)
        buffer.fill(0xee)
      }
      assert.deepEqual((await received).digests, expected(0, sizes))
    },
    'remote',
  )
}

function order(clause: Clause): void {
  const long = Math.min(200_000, clause.subject.transport.capabilities.maxMessageSize)
  for (const [how, echo] of [
    ['waits', 'echo'],
    ['is blocked too', 'echoSync'],
  ] as const) {
    clause.test(
      `C2 messages go round while this thread is blocked, and the peer ${how}`,
      async (trial) => {
        const { near, far } = await trial.couple()
        const channel = blocking(near)
        const echoed = far[echo]()
        for (let index = 0; index < 200; index++) {
          const size = index % 20 === 0 ? long : index
          channel.sendSync(pattern(index, size))
          assert.equal(digest(channel.receiveSync()!), expected(index, [size])[0])
        }
        await near.close()
        assert.equal(await echoed, 'clean')
      },
      'remote',
    )
  }

  clause.test(
    'C2 a blocked peer and one that waits understand each other',
    async (trial) => {
      const { near, far } = await trial.couple()
      const echoed = far.echoSync()
      for (let index = 0; index < 100; index++) {
        const size = index % 20 === 0 ? long : index
        await near.send(pattern(index, size))
        assert.equal(digest((await near.receive())!), expected(index, [size])[0])
      }
      await near.close()
      assert.equal(await echoed, 'clean')
    },
    'remote',
  )

  clause.test(
    'C2 sendSync goes behind every send that waits',
    async (trial) => {
      const { near, far } = await trial.couple()
      const count = fill(near, 0, 5000)
      const waiting = [0, 1, 2].map((offset) => near.send(pattern(count + offset, 5000)))
      const received = far.receive(count + 4)
      blocking(near).sendSync(pattern(count + 3, 5000))
      assert.deepEqual((await received).digests, expected(0, repeated(5000, count + 4)))
      await Promise.all(waiting)
    },
    'remote',
  )

  clause.test(
    'C2 receiveSync goes behind every receive that waits',
    async (trial) => {
      const { near, far } = await trial.couple()
      const waiting = [near.receive(), near.receive()]
      const sent = far.send(0, [10, 20, 30])
      assert.equal(digest(blocking(near).receiveSync()!), expected(2, [30])[0])
      const earlier = await Promise.all(waiting)
      assert.deepEqual(
        earlier.map((message) => digest(message!)),
        expected(0, [10, 20]),
      )
      await sent
    },
    'remote',
  )

  clause.test(
    'C2 what blocks, what waits and what does neither may take turns',
    async (trial) => {
      const { near, far } = await trial.couple()
      const channel = blocking(near)
      const sizes = Array.from({ length: 120 }, (_, index) => (index % 7 === 0 ? 30_000 : index))
      const received = far.receive(sizes.length)
      const sent = far.send(1000, sizes)
      const sends: Promise<void>[] = []
      const digests: string[] = []
      for (const [index, size] of sizes.entries()) {
        const message = pattern(index, size)
        if (index % 3 === 0) channel.sendSync(message)
        else if (index % 3 === 1 || !channel.trySend(message)) sends.push(channel.send(message))
        const tried = index % 4 === 0 ? channel.tryReceive() : undefined
        const next = index % 4 === 1 ? await channel.receive() : (tried ?? channel.receiveSync())
        digests.push(digest(next!))
      }
      assert.deepEqual(digests, expected(1000, sizes))
      await Promise.all(sends)
      assert.deepEqual((await received).digests, expected(0, sizes))
      await sent
    },
    'remote',
  )
}

function timeouts(clause: Clause): void {
  clause.test('C9 a receiveSync whose time is over is TIMEOUT and has taken no message', async (trial) => {
    const { near, far } = await trial.couple()
    const channel = blocking(near)
    const start = performance.now()
    throwsWith(() => channel.receiveSync({ timeout: MOMENT }), 'TIMEOUT')
    assert.ok(performance.now() - start >= MOMENT)
    throwsWith(() => channel.receiveSync({ timeout: 0 }), 'TIMEOUT')
    assert.equal(near.state, 'open')
    await far.send(0, [10, 20, 30])
    const digests = [channel.receiveSync({ timeout: 10_000 }), channel.receiveSync({ timeout: 10_000 })]
    assert.deepEqual(
      digests.map((message) => digest(message!)),
      expected(0, [10, 20]),
    )
    assert.equal(digest((await near.receive())!), expected(2, [30])[0])
  })

  clause.test('C9 a time that is none is a RangeError, and nothing was sent or taken', async (trial) => {
    const { near, far } = await trial.couple()
    const channel = blocking(near)
    await far.send(0, [10])
    for (const timeout of [-1, Number.NaN]) {
      assert.throws(() => channel.sendSync(pattern(0, 10), { timeout }), RangeError)
      assert.throws(() => channel.receiveSync({ timeout }), RangeError)
    }
    assert.equal(digest(channel.receiveSync()!), expected(0, [10])[0])
    channel.sendSync(pattern(1, 20))
    assert.deepEqual((await far.receive(1)).digests, expected(1, [20]))
  })

  clause.test('C9 a sendSync whose time is over is TIMEOUT and has sent nothing', async (trial) => {
    const { near, far, host } = await trial.couple()
    // Who goes on reading a little makes room for what is to find none.
    const thaw = host?.freeze()
    if (thaw !== undefined) trial.atEnd(thaw)
    if (host !== undefined) await untilStopped(host.process!.pid!)
    const channel = blocking(near)
    const count = fill(near, 0, 5000)
    const start = performance.now()
    throwsWith(() => channel.sendSync(pattern(666, 5000), { timeout: MOMENT }), 'TIMEOUT')
    assert.ok(performance.now() - start >= MOMENT)
    throwsWith(() => channel.sendSync(pattern(666, 5000), { timeout: 0 }), 'TIMEOUT')
    assert.equal(near.state, 'open')
    thaw?.()
    const received = far.receive(count + 1)
    await near.send(pattern(count, 5000))
    assert.deepEqual((await received).digests, expected(0, repeated(5000, count + 1)))
    await Promise.all([near.close(), far.receive(1).then(({ end }) => assert.equal(end, 'clean'))])
  })
}
