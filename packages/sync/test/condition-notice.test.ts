import { Condition, Mutex } from '@strait/sync'
import { describe, expect, it } from 'vitest'

describe('a notice of a condition', () => {
  it('that has come before the abort is not lost: the wait goes on until it has the mutex', async () => {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    const guard = await mutex.lock()
    const controller = new AbortController()
    const waiting = condition.wait(guard, { signal: controller.signal })
    const other = await mutex.lock()
    condition.notify()
    controller.abort()
    other.release()
    await waiting
    expect(guard.held).toBe(true)
    expect(mutex.tryLock()).toBeUndefined()
    guard.release()
  })

  it('that comes after the abort goes to who waits behind', async () => {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    const [first, controller] = [await mutex.lock(), new AbortController()]
    const aborted = condition.wait(first, { signal: controller.signal })
    const second = await mutex.lock()
    const waiting = condition.wait(second)
    const other = await mutex.lock()
    controller.abort()
    condition.notify()
    other.release()
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    expect(first.held).toBe(true)
    first.release()
    await waiting
    expect(second.held).toBe(true)
    second.release()
  })

  it('that does not come in time leaves the thread with the mutex', async () => {
    const mutex = new Mutex()
    const condition = new Condition(mutex)
    const guard = await mutex.lock()
    expect(() => condition.waitSync(guard, { timeout: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_TIMEOUT' }),
    )
    expect(guard.held).toBe(true)
    expect(mutex.tryLock()).toBeUndefined()
    guard.release()
    expect(mutex.locked).toBe(false)
  })
})
