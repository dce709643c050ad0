import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { native, SysvMessageQueue } from '../src/index.js'
import { pattern } from './support/others.js'
import { freshKey, unlinkKeys } from './support/sysv.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)
const aborted = { name: 'AbortError' }

/** Holds four messages of one letter. */
function create(): SysvMessageQueue {
  const queue = SysvMessageQueue.create(freshKey())
  queue.resize(4)
  return queue
}

function fill(queue: SysvMessageQueue): void {
  while (queue.trySend(bytes('f')));
}

let before: string[]
beforeEach(() => {
  before = descriptors()
})
afterEach(async () => {
  unlinkKeys()
  await turns()
  expect(descriptors()).toEqual(before)
})

describe('SysvMessageQueue', () => {
  it('carries messages byte for byte, the empty one and the longest too, in all three forms', async () => {
    using queue = SysvMessageQueue.create(freshKey())
    using other = SysvMessageQueue.open(queue.key!)
    for (const length of [0, 1, 8191, 8192]) {
      const message = pattern(length)
      expect(queue.trySend(message)).toBe(true)
      expect(other.tryReceive()).toEqual({ type: 1, message })
      await other.send(message, { type: 2 })
      expect(await queue.receive()).toEqual({ type: 2, message })
      queue.sendSync(message, { type: 2 ** 53 - 1 })
      expect(other.receiveSync()).toEqual({ type: 2 ** 53 - 1, message })
    }
    expect(other.tryReceive()).toBeUndefined()
  })

  it('hands out any message, those of a type, or of the least type up to one', async () => {
    using queue = SysvMessageQueue.create(freshKey())
    for (const type of [7, 3, 9, 3]) await queue.send(bytes(`of ${type}`), { type })
    expect(queue.tryReceive({ type: 4 })).toBeUndefined()
    expect(queue.tryReceive({ type: -2 })).toBeUndefined()
    expect((await queue.receive({ type: 9 })).type).toBe(9)
    expect(queue.receiveSync({ type: -8 }).type).toBe(3)
    expect(queue.tryReceive()!.type).toBe(7)
    expect((await queue.receive({ type: -3 })).type).toBe(3)
  })

  it('hands out bytes that never change', async () => {
    using queue = create()
    queue.trySend(bytes('1'))
    queue.trySend(bytes('2'))
    const [first, second] = [await queue.receive(), queue.tryReceive()!]
    expect([text(first.message), text(second.message)]).toEqual(['1', '2'])
  })

  it('tells how much is in it, how much it holds, and who was there last', () => {
    using queue = create()
    expect(queue.attributes).toEqual({
      messages: 0,
      bytes: 0,
      maxBytes: 4,
      lastSender: undefined,
      lastReceiver: undefined,
    })
    queue.trySend(bytes('abc'))
    queue.trySend(bytes(''))
    expect(queue.attributes).toMatchObject({ messages: 2, bytes: 3, lastSender: process.pid })
    queue.tryReceive()
    expect(queue.attributes).toMatchObject({ messages: 1, bytes: 0, lastReceiver: process.pid })
  })

  it('refuses what is too long for any queue, or for this one, for ever, and sends nothing', async () => {
    using queue = create()
    for (const length of [5, 8193]) {
      const long = new Uint8Array(length)
      expect(() => queue.trySend(long)).toThrow(code('TOO_LARGE'))
      expect(() => queue.sendSync(long)).toThrow(code('TOO_LARGE'))
      await expect(queue.send(long)).rejects.toEqual(code('TOO_LARGE'))
    }
    expect(() => queue.trySend(new Uint8Array(8193))).toThrow('kernel.msgmax')
    expect(queue.attributes.messages).toBe(0)
  })

  it('refuses types and keys that are none', async () => {
    using queue = create()
    for (const type of [0, -1, 1.5, 2 ** 53]) {
      expect(() => queue.trySend(bytes('x'), { type })).toThrow(RangeError)
      expect(() => queue.sendSync(bytes('x'), { type })).toThrow(RangeError)
      await expect(queue.send(bytes('x'), { type })).rejects.toThrow(RangeError)
    }
    for (const type of [1.5, 2 ** 53, Number.NaN]) {
      expect(() => queue.tryReceive({ type })).toThrow(RangeError)
      expect(() => queue.receiveSync({ type })).toThrow(RangeError)
      await expect(queue.receive({ type })).rejects.toThrow(RangeError)
    }
    for (const key of [0, 2 ** 32, 0.5]) expect(() => SysvMessageQueue.create(key)).toThrow(RangeError)
    expect(() => SysvMessageQueue.create(freshKey(), { mode: 0o1000 })).toThrow(RangeError)
    expect(queue.attributes.messages).toBe(0)
  })

  it('takes nothing when it is full, and goes on as called as soon as there is room', async () => {
    using queue = create()
    fill(queue)
    expect(queue.trySend(bytes('x'))).toBe(false)
    const order: string[] = []
    const sending = ['a', 'b'].map((each) => queue.send(bytes(each)).then(() => order.push(each)))
    await setImmediate()
    expect(order).toEqual([])
    for (let left = 4; left > 0; left--) expect(text((await queue.receive()).message)).toBe('f')
    await Promise.all(sending)
    expect(order).toEqual(['a', 'b'])
    expect([text(queue.tryReceive()!.message), text(queue.tryReceive()!.message)]).toEqual(['a', 'b'])
  })

  it('makes no attempt while it waits', async () => {
    using queue = create()
    const receiving = queue.receive({ type: 5 })
    fill(queue)
    const sending = queue.send(bytes('x'))
    const [send, receive] = [vi.spyOn(native(), 'msgSend'), vi.spyOn(native(), 'msgReceive')]
    await turns(1000)
    expect(send).not.toHaveBeenCalled()
    expect(receive).not.toHaveBeenCalled()
    vi.restoreAllMocks()
    queue.tryReceive()
    await sending
    queue.tryReceive()
    queue.trySend(bytes('5'), { type: 5 })
    expect(text((await receiving).message)).toBe('5')
  })

  it('serves those who wait for one type in the order in which they came', async () => {
    using queue = create()
    const order: string[] = []
    const receiving = [0, 1, 2].map((index) =>
      queue.receive().then(({ message }) => order.push(`${index} ${text(message)}`)),
    )
    await setImmediate()
    expect(order).toEqual([])
    for (const each of ['a', '', 'c']) queue.trySend(bytes(each))
    await Promise.all(receiving)
    expect(order).toEqual(['0 a', '1 ', '2 c'])
  })

  it('lets nobody who waits for one type hold up another', async () => {
    using queue = create()
    const never = queue.receive({ type: 3 })
    const some = [8, -7, 9].map((type) => queue.receive({ type }))
    for (const type of [9, 8, 6]) await queue.send(bytes('x'), { type })
    expect((await Promise.all(some)).map(({ type }) => type)).toEqual([8, 6, 9])
    await queue.send(bytes('y'), { type: 3 })
    expect(text((await never).message)).toBe('y')
  })

  it('an aborted receive has taken nothing, an aborted send has sent nothing', async () => {
    using queue = create()
    const controller = new AbortController()
    const { signal } = controller
    const receiving = queue.receive({ signal })
    controller.abort()
    queue.trySend(bytes('k'))
    await expect(receiving).rejects.toMatchObject(aborted)
    await expect(queue.receive({ signal })).rejects.toMatchObject(aborted)
    await expect(queue.send(bytes('n'), { signal })).rejects.toMatchObject(aborted)
    fill(queue)
    const second = new AbortController()
    const sending = queue.send(bytes('n'), { signal: second.signal })
    second.abort()
    await expect(sending).rejects.toMatchObject(aborted)
    expect([0, 1, 2, 3].map(() => text(queue.tryReceive()!.message))).toEqual(['k', 'f', 'f', 'f'])
    await turns()
    expect(queue.attributes.messages).toBe(0)
  })

  it('loses no empty message that comes as its receiver leaves', async () => {
    using queue = SysvMessageQueue.create(freshKey())
    for (let round = 0; round < 200; round++) {
      const controller = new AbortController()
      const receiving = queue.receive({ signal: controller.signal, type: 4 }).catch(() => undefined)
      await setImmediate()
      queue.trySend(bytes(''), { type: 4 })
      controller.abort()
      const first = await receiving
      expect(first ?? queue.tryReceive()).toEqual({ type: 4, message: new Uint8Array() })
      expect(queue.tryReceive()).toBeUndefined()
    }
  })

  it('says of each send that is aborted as there is room whether it was sent', async () => {
    using queue = create()
    fill(queue)
    for (let round = 0; round < 200; round++) {
      const controller = new AbortController()
      const sending = queue.send(bytes('s'), { signal: controller.signal }).then(
        () => 1,
        () => 0,
      )
      await setImmediate()
      queue.tryReceive()
      controller.abort()
      expect(3 + (await sending)).toBe(queue.attributes.messages)
      fill(queue)
    }
  })

  it('says when nothing came, or there was no room, in time', () => {
    using queue = create()
    for (const timeout of [0, 120]) expect(() => queue.receiveSync({ timeout })).toThrow(code('TIMEOUT'))
    fill(queue)
    for (const timeout of [0, 120])
      expect(() => queue.sendSync(bytes('x'), { timeout })).toThrow(code('TIMEOUT'))
    expect(queue.attributes.messages).toBe(4)
  })

  it('closed, serves nobody any more, and keeps its messages for others', async () => {
    const [empty, full] = [create(), create()]
    fill(full)
    const waiting = [empty.receive(), empty.receive({ type: 3 }), full.send(bytes('n'))]
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
      () => full.resize(8),
      () => full.unlink(),
    ])
      expect(use).toThrow(code('CLOSED'))
    using again = SysvMessageQueue.open(full.key!)
    expect(again.attributes.messages).toBe(4)
  })

  it('removed, ends the waiting of everybody at once', async () => {
    using queue = create()
    using other = SysvMessageQueue.open(queue.key!)
    const receiving = other.receive({ type: 3 })
    fill(queue)
    const sending = other.send(bytes('n'))
    await setImmediate()
    expect(queue.unlink()).toBe(true)
    // Which of them hears of it first is the kernel's affair.
    const ends = await Promise.allSettled([receiving, sending])
    for (const each of ends) expect(each).toMatchObject({ reason: code('CLOSED') })
    for (const use of [() => other.trySend(bytes('x')), () => other.receiveSync(), () => other.attributes]) {
      expect(use).toThrow(code('CLOSED'))
      expect(use).toThrow('it was removed')
    }
    expect([queue.unlink(), SysvMessageQueue.unlink(queue.key!)]).toEqual([false, false])
  })
})

describe('the key of a SysvMessageQueue', () => {
  it('is taken once, and leads to the same queue', () => {
    using queue = create()
    expect(queue.created).toBe(true)
    expect(() => SysvMessageQueue.create(queue.key!)).toThrow(code('ADDRESS_IN_USE'))
    using opened = SysvMessageQueue.openOrCreate(queue.key!)
    expect([opened.created, opened.id]).toEqual([false, queue.id])
    using made = SysvMessageQueue.openOrCreate(freshKey())
    expect(made.created).toBe(true)
    expect(() => SysvMessageQueue.open(freshKey())).toThrow(code('REFUSED'))
  })

  it('may be missing: then its number leads there', () => {
    using queue = SysvMessageQueue.private()
    queue.trySend(bytes('x'), { type: 8 })
    using other = SysvMessageQueue.fromId(queue.id)
    expect([queue.key, other.key]).toEqual([undefined, undefined])
    expect(other.tryReceive()).toEqual({ type: 8, message: Uint8Array.from(bytes('x')) })
    expect(other.unlink()).toBe(true)
    expect(() => SysvMessageQueue.fromId(queue.id)).toThrow(code('REFUSED'))
    expect(() => SysvMessageQueue.fromId(-1)).toThrow(RangeError)
  })
})
