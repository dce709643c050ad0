import { fstatSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { EventFd, MessageQueue, type MessageQueueCreateOptions, native } from '../src/index.js'
import { pattern } from './support/others.js'
import { freshQueue, unlinkQueues } from './support/queues.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)

/** Small, for all its room counts against the user's limit. */
const create = (options: MessageQueueCreateOptions = {}) =>
  MessageQueue.create(freshQueue(), { maxMessages: 3, maxMessageSize: 16, ...options })

function fill(queue: MessageQueue): void {
  while (queue.trySend(bytes('full')));
}

let before: string[]
beforeEach(() => {
  before = descriptors()
})
afterEach(async () => {
  unlinkQueues()
  await turns()
  expect(descriptors()).toEqual(before)
})

describe('MessageQueue', () => {
  it('carries messages byte for byte, the empty one and the longest too, in all three forms', async () => {
    using queue = create({ maxMessages: 1, maxMessageSize: 8192 })
    using other = MessageQueue.open(queue.name!)
    for (const length of [0, 1, 8191, 8192]) {
      const message = pattern(length)
      expect(queue.trySend(message)).toBe(true)
      expect(other.tryReceive()).toEqual({ message, priority: 0 })
      await other.send(message, { priority: 1 })
      expect(await queue.receive()).toEqual({ message, priority: 1 })
      queue.sendSync(message, { priority: 32_767 })
      expect(other.receiveSync()).toEqual({ message, priority: 32_767 })
    }
    expect(other.tryReceive()).toBeUndefined()
  })

  it('hands out the most urgent first, and among equals what was sent first', async () => {
    using queue = create({ maxMessages: 6 })
    const sent = ['low 1', 'high 1', 'middle', 'low 2', 'high 2', 'low 3']
    const priorities: Record<string, number> = { low: 0, middle: 7, high: 32_767 }
    for (const each of sent) await queue.send(bytes(each), { priority: priorities[each.split(' ')[0]!] })
    const received: string[] = []
    for (const _ of sent) received.push(text((await queue.receive()).message))
    expect(received).toEqual(['high 1', 'high 2', 'middle', 'low 1', 'low 2', 'low 3'])
  })

  it('hands out bytes that never change', async () => {
    using queue = create()
    queue.trySend(bytes('first'))
    queue.trySend(bytes('other'))
    const { message } = await queue.receive()
    await queue.receive()
    expect(text(message)).toBe('first')
  })

  it('tells what it holds at most, and how much is in it', () => {
    using queue = create()
    expect(queue.attributes).toEqual({ maxMessages: 3, maxMessageSize: 16, messages: 0 })
    queue.trySend(bytes('x'))
    expect(queue.attributes.messages).toBe(1)
  })

  it('refuses what is too long, and priorities that are none, and sends nothing', async () => {
    using queue = create()
    const long = pattern(17)
    expect(() => queue.trySend(long)).toThrow(code('TOO_LARGE'))
    expect(() => queue.sendSync(long)).toThrow(/at most 16 bytes, not 17/)
    await expect(queue.send(long)).rejects.toEqual(code('TOO_LARGE'))
    for (const priority of [-1, 32_768, 1.5, Number.NaN]) {
      expect(() => queue.trySend(bytes('x'), { priority })).toThrow(RangeError)
      expect(() => queue.sendSync(bytes('x'), { priority })).toThrow(RangeError)
      await expect(queue.send(bytes('x'), { priority })).rejects.toThrow(RangeError)
    }
    fill(queue)
    const [waiting, late] = [queue.send(bytes('x')), queue.send(long)]
    // At once, whoever else waits.
    await expect(late).rejects.toEqual(code('TOO_LARGE'))
    while (queue.tryReceive() !== undefined);
    await waiting
    queue.tryReceive()
    expect(() => queue.trySend('x' as unknown as Uint8Array)).toThrow(TypeError)
    expect(queue.attributes.messages).toBe(0)
  })

  it('takes nothing when it is full, and goes on as soon as there is room', async () => {
    using queue = create()
    fill(queue)
    expect(queue.attributes.messages).toBe(3)
    const order: string[] = []
    const sending = ['first', 'second'].map((each) =>
      queue.send(bytes(each), { priority: each === 'second' ? 9 : 0 }).then(() => order.push(each)),
    )
    await turns(100)
    expect(order).toEqual([])
    for (let left = 3; left > 0; left--) expect(text((await queue.receive()).message)).toMatch(/full|second/)
    await Promise.all(sending)
    // As called, although the second one was more urgent.
    expect(order).toEqual(['first', 'second'])
  })

  it('wakes nobody again and again while it is full', async () => {
    using queue = create()
    fill(queue)
    const sending = queue.send(bytes('late'))
    const send = vi.spyOn(native(), 'mqSend')
    await turns(1000)
    expect(send).not.toHaveBeenCalled()
    send.mockRestore()
    queue.tryReceive()
    await sending
  })

  it('serves those who wait to receive in the order in which they came', async () => {
    using queue = create()
    const order: string[] = []
    const receiving = [0, 1, 2].map((index) =>
      queue.receive().then(({ message }) => order.push(`${index} ${text(message)}`)),
    )
    await setImmediate()
    expect(order).toEqual([])
    for (const each of ['a', 'b', 'c']) queue.trySend(bytes(each))
    await Promise.all(receiving)
    expect(order).toEqual(['0 a', '1 b', '2 c'])
  })

  it('an aborted receive has taken nothing, an aborted send has sent nothing', async () => {
    using queue = create()
    const controller = new AbortController()
    const { signal } = controller
    const receiving = queue.receive({ signal })
    controller.abort()
    queue.trySend(bytes('kept'))
    await expect(receiving).rejects.toMatchObject({ name: 'AbortError' })
    await expect(queue.receive({ signal })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(queue.send(bytes('never'), { signal })).rejects.toMatchObject({ name: 'AbortError' })
    fill(queue)
    const second = new AbortController()
    const sending = queue.send(bytes('never'), { signal: second.signal })
    second.abort()
    await expect(sending).rejects.toMatchObject({ name: 'AbortError' })
    const left = [0, 1, 2].map(() => text(queue.tryReceive()!.message))
    expect(left).toEqual(['kept', 'full', 'full'])
    await turns()
    expect(queue.attributes.messages).toBe(0)
  })

  it('says when nothing came, or there was no room, in time', () => {
    using queue = create()
    for (const timeout of [0, 120]) expect(() => queue.receiveSync({ timeout })).toThrow(code('TIMEOUT'))
    fill(queue)
    for (const timeout of [0, 120])
      expect(() => queue.sendSync(bytes('x'), { timeout })).toThrow(code('TIMEOUT'))
    expect(queue.attributes.messages).toBe(3)
  })

  it('closed, serves nobody any more, and keeps its messages for others', async () => {
    const [empty, full] = [create(), create()]
    fill(full)
    const waiting = [empty.receive(), empty.receive(), full.send(bytes('never'))]
    empty.close()
    empty.close()
    full.close()
    for (const each of waiting) await expect(each).rejects.toEqual(code('CLOSED'))
    expect(full.closed).toBe(true)
    await expect(full.receive()).rejects.toEqual(code('CLOSED'))
    await expect(full.send(bytes('x'))).rejects.toEqual(code('CLOSED'))
    for (const use of [
      () => full.trySend(bytes('x')),
      () => full.sendSync(bytes('x')),
      () => full.tryReceive(),
      () => full.receiveSync(),
      () => full.attributes,
      () => full.descriptor,
      () => full.unlink(),
    ])
      expect(use).toThrow(code('CLOSED'))
    using again = MessageQueue.open(full.name!)
    expect(again.attributes.messages).toBe(3)
  })
})

describe('the name of a MessageQueue', () => {
  it('is taken once, and leads to the same queue', () => {
    using queue = create()
    expect(queue.created).toBe(true)
    expect(() => MessageQueue.create(queue.name!)).toThrow(code('ADDRESS_IN_USE'))
    using opened = MessageQueue.openOrCreate(queue.name!, { maxMessages: 5 })
    expect([opened.created, opened.attributes.maxMessages]).toEqual([false, 3])
    using made = MessageQueue.openOrCreate(freshQueue(), { maxMessages: 5, maxMessageSize: 8 })
    expect([made.created, made.attributes.maxMessages]).toEqual([true, 5])
    expect(() => MessageQueue.open(freshQueue())).toThrow(code('REFUSED'))
  })

  it('is refused with the reason where it is none', () => {
    const long = `/${'x'.repeat(256)}`
    for (const name of ['', '/', 'jobs', '/a/b', '//', '/.', '/..', '/a\0b', long, `/${'ü'.repeat(128)}`])
      for (const use of [
        MessageQueue.create,
        MessageQueue.open,
        MessageQueue.openOrCreate,
        MessageQueue.unlink,
      ])
        expect(() => use(name), name).toThrow(code('ADDRESS_INVALID'))
    const longest = `${freshQueue()}${'x'.repeat(256)}`.slice(0, 256)
    MessageQueue.create(longest, { maxMessages: 1, maxMessageSize: 1 }).close()
    expect(MessageQueue.unlink(longest)).toBe(true)
  })

  it('is removed by unlink alone: its own while it has it, any other by name', () => {
    using queue = create()
    const name = queue.name!
    queue.trySend(bytes('kept'))
    expect(MessageQueue.unlink(name)).toBe(true)
    expect(MessageQueue.unlink(name)).toBe(false)
    using heir = MessageQueue.create(name, { maxMessages: 1, maxMessageSize: 16 })
    expect(queue.unlink()).toBe(false)
    MessageQueue.open(name).close()
    expect(heir.unlink()).toBe(true)
    expect(heir.unlink()).toBe(false)
    expect(text(queue.tryReceive()!.message)).toBe('kept')
    heir.trySend(bytes('also without'))
    expect(text(heir.tryReceive()!.message)).toBe('also without')
  })

  it('has the mode that was asked for, whatever the umask is', () => {
    const umask = process.umask(0o077)
    try {
      const modes = [undefined, 0o600, 0o666, 0].map((mode) => {
        using queue = create({ mode })
        return fstatSync(queue.descriptor).mode & 0o777
      })
      expect(modes).toEqual([0o600, 0o600, 0o666, 0])
    } finally {
      process.umask(umask)
    }
    for (const mode of [-1, 0o1000, 1.5]) expect(() => create({ mode })).toThrow(RangeError)
  })

  it('is not taken for what cannot be a queue', () => {
    for (const maxMessages of [0, -1, 1.5]) expect(() => create({ maxMessages })).toThrow(RangeError)
    for (const maxMessageSize of [0, -1, 1.5]) expect(() => create({ maxMessageSize })).toThrow(RangeError)
    // Beyond what even root may have.
    for (const limits of [{ maxMessages: 2 ** 20 }, { maxMessageSize: 2 ** 30 }]) {
      expect(() => create(limits)).toThrow(code('NO_RESOURCES'))
      expect(() => create(limits)).toThrow(/sysctl fs\.mqueue\.msg_max fs\.mqueue\.msgsize_max/)
    }
  })
})

describe('the access of a MessageQueue', () => {
  it('is for reading or writing only where it was opened so', async () => {
    using queue = create()
    using reader = MessageQueue.open(queue.name!, { access: 'read' })
    using writer = MessageQueue.open(queue.name!, { access: 'write' })
    await writer.send(bytes('x'))
    expect(text((await reader.receive()).message)).toBe('x')
    for (const use of [() => reader.trySend(bytes('x')), () => reader.sendSync(bytes('x'))])
      expect(use).toThrow(/for reading only/)
    for (const use of [() => writer.tryReceive(), () => writer.receiveSync()])
      expect(use).toThrow(/for writing only/)
    await expect(reader.send(bytes('x'))).rejects.toThrow(TypeError)
    await expect(writer.receive()).rejects.toThrow(TypeError)
    const access = 'all' as 'both'
    expect(() => MessageQueue.open(queue.name!, { access })).toThrow(TypeError)
  })

  it('goes with a descriptor, whose flags it no longer shares', async () => {
    using queue = create()
    const { duplicate, statusFlags, setStatusFlags } = native()
    for (const access of ['both', 'read', 'write'] as const) {
      using source = MessageQueue.open(queue.name!, { access })
      setStatusFlags(source.descriptor, 0)
      using taken = MessageQueue.fromDescriptor(duplicate(source.descriptor))
      expect([taken.access, taken.name, taken.created]).toEqual([access, undefined, false])
      expect(statusFlags(source.descriptor) & 0o4000).toBe(0)
      if (access !== 'write') expect(taken.tryReceive()).toBeUndefined()
      if (access !== 'read') fill(taken)
      while (queue.tryReceive() !== undefined);
      // Whose name it is, it does not know.
      expect(taken.unlink()).toBe(false)
    }
    queue.unlink()
    using nameless = MessageQueue.fromDescriptor(duplicate(queue.descriptor))
    await nameless.send(bytes('without a name'))
    expect(text((await queue.receive()).message)).toBe('without a name')
  })

  it('is refused for a descriptor that is no queue, which stays open', () => {
    using event = EventFd.create(1n)
    expect(() => MessageQueue.fromDescriptor(event.descriptor)).toThrow(code('ADDRESS_INVALID'))
    expect(event.tryWait()).toBe(1n)
    expect(() => MessageQueue.fromDescriptor(99_999)).toThrow(code('ADDRESS_INVALID'))
  })
})
