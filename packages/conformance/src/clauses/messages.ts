import assert from 'node:assert/strict'
import type { BaseChannel } from '@strait/core'
import { overfill } from '../fill.js'
import { digest, expected, pattern } from '../pattern.js'
import type { Clause } from '../suite.js'
import { rejectsWith, throwsWith, turn } from './helpers.js'

const SIZES = [
  0, 1, 7, 8, 9, 63, 64, 65, 1023, 4095, 4096, 4097, 8192, 65527, 65528, 65535, 65536, 65537, 200_000, 0, 1,
]

async function receiveMany(near: BaseChannel, count: number): Promise<string[]> {
  const digests: string[] = []
  while (digests.length < count) digests.push(digest((await near.receive())!))
  return digests
}

export function C1(clause: Clause): void {
  const { maxMessageSize } = clause.subject.transport.capabilities
  const sizes = [...SIZES, 1_000_000].filter((size) => size <= maxMessageSize)

  clause.test('C1 a send is a receive, byte for byte, for every size', async (trial) => {
    const { near, far } = await trial.couple()
    const received = far.receive(sizes.length)
    for (const [index, size] of sizes.entries()) await near.send(pattern(index, size))
    assert.deepEqual(await received, { digests: expected(0, sizes) })
    const sent = far.send(100, sizes)
    assert.deepEqual(await receiveMany(near, sizes.length), expected(100, sizes))
    await sent
  })

  clause.test('C1 messages sent together are neither merged nor split', async (trial) => {
    const { near, far } = await trial.couple()
    const many = Array.from({ length: 500 }, (_, index) => (index * 37) % 300)
    const received = far.receive(many.length)
    await Promise.all(many.map((size, index) => near.send(pattern(index, size))))
    assert.deepEqual((await received).digests, expected(0, many))
  })

  clause.test(
    'C1 a message of exactly maxMessageSize passes, one byte more is TOO_LARGE and nothing is sent',
    async (trial) => {
      const limit = Math.min(100_000, maxMessageSize)
      const { near, far } = await trial.couple({ maxMessageSize: limit })
      assert.equal(near.capabilities.maxMessageSize, limit)
      const received = far.receive(2)
      await near.send(pattern(0, limit))
      await rejectsWith(near.send(pattern(1, limit + 1)), 'TOO_LARGE')
      throwsWith(() => near.trySend(pattern(1, limit + 1)), 'TOO_LARGE')
      await near.send(pattern(1, 1))
      assert.deepEqual(await received, { digests: expected(0, [limit, 1]) })
    },
  )

  clause.test('C1 the largest message of the transport passes both ways', async (trial) => {
    const { near, far } = await trial.couple()
    const received = far.receive(1)
    await near.send(pattern(5, maxMessageSize))
    assert.deepEqual((await received).digests, expected(5, [maxMessageSize]))
    const sent = far.send(6, [maxMessageSize])
    assert.deepEqual(await receiveMany(near, 1), expected(6, [maxMessageSize]))
    await sent
  })

  clause.named('C1 the smaller limit of the two ends holds', async (trial) => {
    const { near, far } = await trial.couple({ maxMessageSize: 1000 }, { maxMessageSize: 500 })
    assert.equal(near.capabilities.maxMessageSize, 500)
    assert.equal(await far.maxMessageSize(), 500)
  })

  clause.test('C1 what is no Uint8Array is a TypeError', async (trial) => {
    const { near } = await trial.couple()
    assert.throws(() => near.trySend('text' as never), TypeError)
    await assert.rejects(near.send([1, 2] as never), TypeError)
  })
}

export function C2(clause: Clause): void {
  clause.test('C2 messages arrive in the order in which send was called', async (trial) => {
    const { near, far } = await trial.couple()
    const sizes = Array.from({ length: 300 }, (_, index) => (index % 10 === 0 ? 30_000 : index))
    const received = far.receive(sizes.length)
    await Promise.all(sizes.map((size, index) => near.send(pattern(index, size))))
    assert.deepEqual((await received).digests, expected(0, sizes))
  })

  clause.test('C2 trySend does not overtake a send that waits', async (trial) => {
    const { near, far } = await trial.couple()
    const { count, last } = overfill(near, 0, 1000)
    assert.equal(near.trySend(pattern(count, 1)), false)
    const received = far.receive(count + 1)
    await last
    await near.send(pattern(count, 1000))
    const sizes = Array.from({ length: count + 1 }, () => 1000)
    assert.deepEqual((await received).digests, expected(0, sizes))
  })

  clause.test('C2 receives are served in the order in which they were called', async (trial) => {
    const { near, far } = await trial.couple()
    const received = Array.from({ length: 50 }, () => near.receive())
    const order: number[] = []
    received.forEach((promise, index) => void promise.then(() => order.push(index)))
    const sizes = received.map((_, index) => index)
    await far.send(0, sizes)
    assert.deepEqual(
      (await Promise.all(received)).map((message) => digest(message!)),
      expected(0, sizes),
    )
    assert.deepEqual(order, sizes)
  })

  clause.test('C2 tryReceive does not overtake a receive that waits', async (trial) => {
    const { near, far } = await trial.couple()
    const first = near.receive()
    const sent = far.send(0, [10, 20])
    const stolen: string[] = []
    const poll = setInterval(() => {
      const message = near.tryReceive()
      if (message !== undefined) stolen.push(digest(message))
    }, 0)
    assert.equal(digest((await first)!), expected(0, [10])[0])
    clearInterval(poll)
    if (stolen.length === 0) stolen.push(digest((await near.receive())!))
    assert.deepEqual(stolen, expected(1, [20]))
    await sent
  })
}

export function C3(clause: Clause): void {
  clause.test(
    "C3 the sender's buffer is its own again when send resolves or trySend returns",
    async (trial) => {
      const { near, far } = await trial.couple()
      const sizes = [1, 100, 5000, 20_000]
      const received = far.receive(sizes.length)
      for (const [index, size] of sizes.entries()) {
        const buffer = pattern(index, size)
        await near.send(buffer)
        buffer.fill(0xee)
      }
      assert.deepEqual((await received).digests, expected(0, sizes))
      const sent: number[] = []
      for (let index = 0; index < 20; index++) {
        const buffer = pattern(100 + index, 3000)
        const taken = near.trySend(buffer)
        buffer.fill(0xee)
        if (!taken) break
        sent.push(3000)
      }
      const { digests } = await far.receive(sent.length)
      assert.deepEqual(digests, expected(100, sent))
    },
  )

  clause.test("C3 received bytes are one's own and never change", async (trial) => {
    const { near, far } = await trial.couple()
    const sizes = Array.from({ length: 200 }, (_, index) => index * 11)
    const sent = far.send(0, sizes)
    const messages: Uint8Array[] = []
    while (messages.length < sizes.length) messages.push((await near.receive())!)
    await sent
    await far.send(1000, [Math.min(100_000, near.capabilities.maxMessageSize)])
    await near.receive()
    assert.deepEqual(messages.map(digest), expected(0, sizes))
    messages[100]!.fill(0xee)
    const others = messages.filter((_, index) => index !== 100)
    assert.deepEqual(
      others.map(digest),
      expected(0, sizes).filter((_, index) => index !== 100),
    )
    for (const message of messages) assert.equal(Object.getPrototypeOf(message), Uint8Array.prototype)
  })

  clause.test('C3 writing into a received message changes nothing at the sender', async (trial) => {
    const { near, far } = await trial.couple()
    const echoed = far.echo()
    const mine = pattern(1, 500)
    await near.send(mine)
    const back = (await near.receive())!
    back.fill(0)
    assert.equal(digest(mine), expected(1, [500])[0])
    await near.close()
    assert.equal(await echoed, 'clean')
  })

  clause.test(
    'C3 a part of a buffer, shared memory and a Buffer are messages like any other',
    async (trial) => {
      const { near, far } = await trial.couple()
      const sizes: number[] = []
      const reading = far.receive(12)
      for (const size of [100, 101, 20_000, 20_001]) {
        const shared = new Uint8Array(new SharedArrayBuffer(size))
        const part = new Uint8Array(size + 64).subarray(32, 32 + size)
        for (const message of [shared, part, Buffer.from(part)]) {
          message.set(pattern(sizes.length, size))
          if (sizes.length % 2 === 0) await near.send(message)
          else while (!near.trySend(message)) await turn()
          message.fill(0xee)
          sizes.push(size)
        }
      }
      assert.deepEqual((await reading).digests, expected(0, sizes))
    },
  )
}
