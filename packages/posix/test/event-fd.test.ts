import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { turns } from '../../core/test/support/leftovers.js'
import { EventFd, native, Pipe } from '../src/index.js'
import { compileObjects, has, run } from './support/programs.js'

const MOST = 2n ** 64n - 2n
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

describe('EventFd', () => {
  it('adds up what is signalled, and hands all of it to one wait', async () => {
    using event = EventFd.create(2n)
    expect(event.trySignal()).toBe(true)
    await event.signal(4n)
    event.signalSync(8n)
    expect(event.tryWait()).toBe(15n)
    expect(event.tryWait()).toBeUndefined()
    await event.signal()
    expect(await event.wait()).toBe(1n)
    event.signalSync()
    expect(event.waitSync()).toBe(1n)
  })

  it('as a semaphore hands out one at a time', async () => {
    using event = EventFd.create(2n, { semaphore: true })
    await event.signal()
    expect([await event.wait(), event.waitSync(), event.tryWait(), event.tryWait()]).toEqual([
      1n,
      1n,
      1n,
      undefined,
    ])
  })

  it('holds every number up to the largest', () => {
    for (const count of [1n, 2n ** 32n, 2n ** 63n, MOST]) {
      using event = EventFd.create(count)
      expect(event.tryWait()).toBe(count)
    }
  })

  it('refuses counts that are none', async () => {
    using event = EventFd.create()
    for (const count of [0n, -1n, MOST + 1n]) {
      expect(() => event.trySignal(count)).toThrow(RangeError)
      expect(() => event.signalSync(count)).toThrow(RangeError)
      await expect(event.signal(count)).rejects.toThrow(RangeError)
    }
    expect(() => event.trySignal(1 as unknown as bigint)).toThrow(TypeError)
    expect(() => EventFd.create(-1n)).toThrow(RangeError)
    expect(event.tryWait()).toBeUndefined()
  })

  it('serves those who wait in the order in which they came', async () => {
    using event = EventFd.create(0n, { semaphore: true })
    const order: number[] = []
    const waiting = [0, 1, 2].map((index) => event.wait().then(() => order.push(index)))
    await setImmediate()
    expect(order).toEqual([])
    event.trySignal(3n)
    await Promise.all(waiting)
    expect(order).toEqual([0, 1, 2])
  })

  it('waits while the counter is full', async () => {
    using event = EventFd.create(MOST)
    expect(event.trySignal()).toBe(false)
    const order: string[] = []
    const first = event.signal(5n).then(() => order.push('first'))
    const second = event.signal(6n).then(() => order.push('second'))
    await setImmediate()
    expect(order).toEqual([])
    expect(event.tryWait()).toBe(MOST)
    await Promise.all([first, second])
    expect(order).toEqual(['first', 'second'])
    expect(event.tryWait()).toBe(11n)
  })

  it('adds a part of a count of which only a part fits, and the rest when there is room', async () => {
    using event = EventFd.create(MOST - 10n)
    const signalled = event.signal(100n)
    expect(event.tryWait()).toBe(MOST)
    await signalled
    expect(event.tryWait()).toBe(90n)
    expect(event.trySignal(MOST)).toBe(true)
    expect(() => event.signalSync(3n, { timeout: 1 })).toThrow(code('TIMEOUT'))
    expect(event.tryWait()).toBe(MOST)
  })

  it('wakes nobody again and again while it is full', async () => {
    using event = EventFd.create(MOST - 10n)
    const signalled = event.signal(100n)
    const write = vi.spyOn(native(), 'write')
    await turns(1000)
    expect(write).not.toHaveBeenCalled()
    write.mockRestore()
    event.tryWait()
    await signalled
  })

  it('an aborted wait has taken nothing, an aborted signal has added nothing', async () => {
    using event = EventFd.create()
    const controller = new AbortController()
    const waiting = event.wait({ signal: controller.signal })
    controller.abort()
    event.trySignal()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await expect(event.wait({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(event.signal(1n, { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(event.tryWait()).toBe(1n)
    event.trySignal(MOST)
    const second = new AbortController()
    const signalling = event.signal(1n, { signal: second.signal })
    second.abort()
    await expect(signalling).rejects.toMatchObject({ name: 'AbortError' })
    expect(event.tryWait()).toBe(MOST)
    await setImmediate()
    expect(event.tryWait()).toBeUndefined()
  })

  it('says when nothing came in time', () => {
    using event = EventFd.create()
    expect(() => event.waitSync({ timeout: 0 })).toThrow(code('TIMEOUT'))
    expect(() => event.waitSync({ timeout: 120 })).toThrow(code('TIMEOUT'))
  })

  it('closed, serves nobody any more', async () => {
    const [event, full] = [EventFd.create(), EventFd.create(MOST)]
    const waiting = [event.wait(), event.wait(), full.signal()]
    event.close()
    event.close()
    full.close()
    for (const each of waiting) await expect(each).rejects.toEqual(code('CLOSED'))
    expect(event.closed).toBe(true)
    await expect(event.wait()).rejects.toEqual(code('CLOSED'))
    await expect(event.signal()).rejects.toEqual(code('CLOSED'))
    for (const use of [
      () => event.trySignal(),
      () => event.signalSync(),
      () => event.tryWait(),
      () => event.waitSync(),
      () => event.descriptor,
    ])
      expect(use).toThrow(code('CLOSED'))
  })

  it('takes over a descriptor, and no longer blocks', () => {
    using event = EventFd.create(0n, { semaphore: true })
    const descriptor = native().duplicate(event.descriptor)
    native().setStatusFlags(descriptor, 0)
    using other = EventFd.fromDescriptor(descriptor)
    event.trySignal(2n)
    expect([other.tryWait(), other.tryWait(), other.tryWait()]).toEqual([1n, 1n, undefined])
  })

  it('refuses a descriptor that is no eventfd, and leaves it open', () => {
    const { reader, writer } = Pipe.create()
    expect(() => EventFd.fromDescriptor(reader.descriptor)).toThrow(code('ADDRESS_INVALID'))
    writer.close()
    expect(reader.tryRead()).toBeUndefined()
    expect(reader.ended).toBe(true)
    reader.close()
    expect(() => EventFd.fromDescriptor(99_999)).toThrow(code('ADDRESS_INVALID'))
  })
})

describe.skipIf(!has('cc'))('EventFd and C (skipped without cc)', () => {
  let objects: ReturnType<typeof compileObjects>
  beforeAll(() => {
    objects = compileObjects()
  })
  afterAll(() => objects.remove())

  it('wakes a program in C, and is woken by it', async () => {
    using there = EventFd.create()
    using back = EventFd.create()
    const other = run(objects.path, ['pong'], { descriptors: [there.descriptor, back.descriptor] })
    await there.signal(2n ** 40n)
    expect(await back.wait()).toBe(2n ** 40n + 1n)
    expect((await other).status).toBe(0)
  })
})
