import { native } from '@strait/posix'
import { describe, expect, it, vi } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { noPython, skippedWithoutPython, start } from '../../posix/test/support/others.js'
import { support } from '../../posix/test/support/programs.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import { sem } from '../src/index.js'
import { fill, fresh, nothingIsLeft, opened, pair, started } from './support/ends.js'

const SLOTS = 16
const SLOT_LENGTH = 4096
const ONE = Uint8Array.of(1)

nothingIsLeft()

describe('sem:', () => {
  it('C11 a channel is memory without a name, the socket at which the ends have met, and a counter for each thread', async () => {
    const { accepted, connected } = await pair()
    await turns()
    const kinds = opened().map((each) => each.replace(/:\[\d+\]$/, ''))
    const each = ['/memfd:strait (deleted)', 'anon_inode:[eventfd]', 'anon_inode:[eventfd]', 'socket']
    expect(kinds.sort()).toEqual([...each, ...each].sort())
    await Promise.all([accepted.close(), connected.close()])
  })

  it('C4 holds sixteen messages of 4 KiB in each direction, and not one more', async () => {
    const { accepted, connected } = await pair()
    for (const [sender, receiver] of [
      [accepted, connected],
      [connected, accepted],
    ] as const) {
      const message = new Uint8Array(SLOT_LENGTH).fill(7)
      expect(fill(sender, message)).toBe(SLOTS)
      for (let i = 0; i < SLOTS; i++) expect(await receiver.receive()).toEqual(message)
      expect(fill(sender, ONE)).toBe(SLOTS)
    }
    accepted.abort()
    connected.abort()
  })

  it('waits in one thread an end, and in a second one from when a buffer is full', async () => {
    const { accepted, connected } = await pair()
    expect(started()).toBe(2)
    const sending = accepted.send(new Uint8Array(SLOT_LENGTH * (SLOTS + 1)))
    await turns()
    expect(started()).toBe(3)
    await connected.receive()
    await sending
    expect(started()).toBe(3)
    await Promise.all([accepted.close(), connected.close()])
    expect(started()).toBe(0)
  })

  it('C2 a message in parts and small ones arrive in the order in which they were sent, and the end last', async () => {
    const { accepted, connected } = await pair()
    const lengths = [0, 4095, 4096, 4097, 100_000, 5, 0, 16 * 1024 * 1024, 1]
    const sending = (async () => {
      for (const length of lengths) await connected.send(new Uint8Array(length).fill(length % 251))
      await connected.close()
    })()
    const received: Uint8Array[] = []
    for await (const message of accepted) received.push(message)
    expect(received.map(({ length }) => length)).toEqual(lengths)
    for (const message of received)
      expect(Buffer.from(message).equals(Buffer.alloc(message.length, message.length % 251))).toBe(true)
    await Promise.all([sending, accepted.close()])
  })

  it('C10 its names are not those of other schemes', async () => {
    const url = fresh()
    const listener = await sem.listen(url)
    await expect(sem.connect(new URL(`${url.href}-`))).rejects.toEqual(failure('REFUSED'))
    await expect(sem.listen(url)).rejects.toEqual(failure('ADDRESS_IN_USE'))
    for (const query of ['?slots=3', '?at=relative'])
      await expect(sem.listen(new URL(fresh().href + query))).rejects.toEqual(failure('ADDRESS_INVALID'))
    await listener.close()
  })
})

describe.skipIf(noPython)(`a permit of spaces that somebody else takes${skippedWithoutPython}`, () => {
  /** Another program does this with the semaphore `spaces` of the direction into which the listener puts. */
  async function outside(verb: 'take' | 'give', count: number): Promise<void> {
    const memory = descriptors().find((each) => each.endsWith('/memfd:strait (deleted)'))!
    const stdio = ['ignore', 'pipe', 'inherit', Number.parseInt(memory, 10)] as const
    const args = [support('semaphore.py'), verb, 'memory:0', String(count)]
    await start('python3', args, { stdio: [...stdio] }).output
  }

  it('is exactly one slot less, and everything else works', async () => {
    const { accepted, connected } = await pair()
    const drained = async () => {
      const count = fill(accepted, ONE)
      for (let i = 0; i < count; i++) expect(await connected.receive()).toEqual(ONE)
      return count
    }
    expect(await drained()).toBe(SLOTS)
    await outside('take', 1)
    for (let round = 0; round < 5; round++) expect(await drained()).toBe(SLOTS - 1)
    // The other direction has all of its own.
    expect(fill(connected, ONE)).toBe(SLOTS)
    // However often the slots are gone through, whatever is sent arrives whole.
    const long = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => index % 251)
    for (let round = 0; round < 3; round++) {
      const sending = accepted.send(long)
      expect(Buffer.compare((await connected.receive())!, long)).toBe(0)
      await sending
    }
    await outside('take', SLOTS - 2)
    expect(await drained()).toBe(1)
    await outside('give', SLOTS - 1)
    expect(await drained()).toBe(SLOTS)
    for (let i = 0; i < SLOTS; i++) expect(await accepted.receive()).toEqual(ONE)
    await Promise.all([accepted.close(), connected.close()])
  })

  it('wakes who waits for room when it is given back', async () => {
    const { accepted, connected } = await pair()
    await outside('take', SLOTS)
    expect(accepted.trySend(ONE)).toBe(false)
    const sending = accepted.send(ONE)
    await turns()
    await outside('give', 1)
    await sending
    expect(await connected.receive()).toEqual(ONE)
    accepted.abort()
    connected.abort()
  })
})

describe('where there can be no more threads', () => {
  const { slotsStartWaiting } = native()

  it('nobody connects, and both are told why', async () => {
    const url = fresh()
    const listener = await sem.listen(url)
    const spy = vi.spyOn(native(), 'slotsStartWaiting').mockReturnValue(-11)
    try {
      await expect(sem.connect(url)).rejects.toEqual(failure('NO_RESOURCES', 'ulimit -u'))
    } finally {
      spy.mockRestore()
    }
    await listener.close()
  })

  it('who waits for room looks for it again and again', async () => {
    const { accepted, connected } = await pair()
    const spy = vi
      .spyOn(native(), 'slotsStartWaiting')
      .mockImplementation((...args) => (args[3] ? slotsStartWaiting(...args) : -11))
    try {
      const long = new Uint8Array(SLOT_LENGTH * SLOTS * 3)
      const sending = accepted.send(long)
      expect(await connected.receive()).toEqual(long)
      await sending
    } finally {
      spy.mockRestore()
    }
    await Promise.all([accepted.close(), connected.close()])
  })
})
