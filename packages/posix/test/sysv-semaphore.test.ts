import { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { keyOf, SysvSemaphore } from '../src/index.js'
import { inDirectory } from './support/others.js'
import { freshSemaphoreKey, threads, unlinkSemaphores } from './support/semaphores.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const create = (initial = 0, undo = false) => SysvSemaphore.create(freshSemaphoreKey(), initial, { undo })

let before: { descriptors: string[]; threads: number }
beforeEach(() => {
  before = { descriptors: descriptors(), threads: threads() }
})
afterEach(async () => {
  unlinkSemaphores()
  await turns()
  expect({ descriptors: descriptors(), threads: threads() }).toEqual(before)
})

describe('SysvSemaphore', () => {
  it('takes and gives many permits at once, all or none', async () => {
    using semaphore = create(5)
    expect(semaphore.tryAcquire({ count: 6 })).toBe(false)
    expect(semaphore.value).toBe(5)
    expect(semaphore.tryAcquire({ count: 4 })).toBe(true)
    expect(() => semaphore.acquireSync({ count: 2, timeout: 60 })).toThrow(code('TIMEOUT'))
    const waiting = semaphore.acquire({ count: 3 })
    await turns(5)
    semaphore.release()
    await turns(5)
    expect(semaphore.value).toBe(2)
    semaphore.release({ count: 7 })
    await waiting
    expect(semaphore.value).toBe(6)
  })

  it('lets who wants many hold up those behind him', async () => {
    using semaphore = create(1)
    const order: string[] = []
    const waiting = [
      semaphore.acquire({ count: 3 }).then(() => order.push('many')),
      semaphore.acquire().then(() => order.push('one')),
    ]
    await turns(10)
    expect(order).toEqual([])
    semaphore.release({ count: 3 })
    await Promise.all(waiting)
    expect(order).toEqual(['many', 'one'])
  })

  it('tells how many wait', async () => {
    using semaphore = create()
    using other = SysvSemaphore.open(semaphore.key!)
    expect(semaphore.waiting).toBe(0)
    const waiting = [semaphore.acquire(), semaphore.acquire(), other.acquire()]
    while (semaphore.waiting < 2) await turns(1)
    semaphore.release({ count: 3 })
    await Promise.all(waiting)
    expect(semaphore.waiting).toBe(0)
  })

  it('has at most 32,767 permits', () => {
    using semaphore = create(32_766)
    expect(() => semaphore.release({ count: 2 })).toThrow(code('NO_RESOURCES'))
    semaphore.release()
    expect(() => semaphore.release()).toThrow(/at most 32767/)
    expect(semaphore.value).toBe(32_767)
    for (const count of [0, -1, 0.5, 32_768]) {
      expect(() => semaphore.release({ count })).toThrow(RangeError)
      expect(() => semaphore.tryAcquire({ count })).toThrow(RangeError)
      expect(() => semaphore.acquireSync({ count })).toThrow(RangeError)
    }
    for (const initial of [-1, 0.5, 32_768]) expect(() => create(initial)).toThrow(RangeError)
  })

  it('is found by its key or its number, and made once', () => {
    using semaphore = create(3)
    expect([semaphore.created, semaphore.index]).toEqual([true, 0])
    expect(() => SysvSemaphore.create(semaphore.key!)).toThrow(code('ADDRESS_IN_USE'))
    expect(() => SysvSemaphore.create(semaphore.key!)).toThrow(/ipcs -s/)
    using found = SysvSemaphore.openOrCreate(semaphore.key!, 9)
    using numbered = SysvSemaphore.fromId(semaphore.id)
    expect([found.created, found.value, found.id]).toEqual([false, 3, semaphore.id])
    expect([numbered.created, numbered.value, numbered.key]).toEqual([false, 3, semaphore.key])
    using made = SysvSemaphore.openOrCreate(freshSemaphoreKey(), 9)
    expect([made.created, made.value]).toEqual([true, 9])
    expect(() => SysvSemaphore.open(freshSemaphoreKey())).toThrow(code('REFUSED'))
    expect(() => SysvSemaphore.fromId(2 ** 31 - 1)).toThrow(code('REFUSED'))
    for (const index of [1, -1, 0.5])
      expect(() => SysvSemaphore.open(semaphore.key!, { index })).toThrow(RangeError)
    for (const key of [0, 0.5, 2 ** 32, -(2 ** 31) - 1]) {
      expect(() => SysvSemaphore.create(key)).toThrow(RangeError)
      expect(() => SysvSemaphore.open(key)).toThrow(RangeError)
    }
    for (const mode of [-1, 0o1000, 0.5])
      expect(() => SysvSemaphore.create(freshSemaphoreKey(), 0, { mode })).toThrow(RangeError)
  })

  it('without a key is found by its number', () => {
    using semaphore = SysvSemaphore.private(2)
    using other = SysvSemaphore.private(2)
    expect(semaphore.key).toBeUndefined()
    expect(other.id).not.toBe(semaphore.id)
    using found = SysvSemaphore.fromId(semaphore.id)
    expect([found.key, found.tryAcquire(), semaphore.value]).toEqual([undefined, true, 1])
    expect([semaphore.unlink(), other.unlink()]).toEqual([true, true])
  })

  it('removed, is gone for all, and who waits learns it', async () => {
    using semaphore = create()
    using other = SysvSemaphore.open(semaphore.key!)
    const waiting = [semaphore.acquire(), semaphore.acquire()]
    await turns(5)
    expect(other.unlink()).toBe(true)
    for (const each of waiting) await expect(each).rejects.toEqual(code('CLOSED'))
    for (const use of [
      () => semaphore.tryAcquire(),
      () => semaphore.acquireSync(),
      () => semaphore.release(),
      () => semaphore.value,
      () => semaphore.waiting,
    ])
      expect(use).toThrow(/was removed/)
    await expect(semaphore.acquire()).rejects.toEqual(code('CLOSED'))
    expect([semaphore.unlink(), SysvSemaphore.unlink(semaphore.key!)]).toEqual([false, false])
  })
})

describe('keyOf', () => {
  it('makes of a file and a number what ftok(3) makes', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'file')
      writeFileSync(file, '')
      const { ino, dev } = statSync(file)
      expect(keyOf(file) >>> 0).toBe(((1 << 24) | ((dev & 0xff) << 16) | (ino & 0xffff)) >>> 0)
      expect(keyOf(file, 2)).not.toBe(keyOf(file))
      symlinkSync(file, join(directory, 'link'))
      expect(keyOf(join(directory, 'link'))).toBe(keyOf(file))
      // Above 127 the sign is that of the key, as in C.
      expect(keyOf(file, 255)).toBeLessThan(0)
    }))

  it('refuses a file that is not there, of which ftok(3) makes -1', () => {
    expect(() => keyOf('/does/not/exist')).toThrow(code('ADDRESS_INVALID'))
    expect(() => keyOf('/dev/null/file')).toThrow(code('ADDRESS_INVALID'))
    for (const project of [0, 256, -1, 0.5]) expect(() => keyOf('/', project)).toThrow(RangeError)
  })

  it('gives keys by which a semaphore is found', () =>
    inDirectory(async (directory) => {
      using semaphore = SysvSemaphore.create(keyOf(directory, 200), 1)
      try {
        using found = SysvSemaphore.open(keyOf(directory, 200))
        // As ipcs(1) shows it.
        using shown = SysvSemaphore.open(keyOf(directory, 200) >>> 0)
        expect([found.id, shown.id]).toEqual([semaphore.id, semaphore.id])
      } finally {
        semaphore.unlink()
      }
    }))
})
