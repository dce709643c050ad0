import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { MemorySemaphore, NamedSemaphore, SharedMemory, SysvSemaphore } from '../src/index.js'
import {
  freshSemaphore,
  freshSemaphoreKey,
  mappings,
  threads,
  unlinkSemaphores,
} from './support/semaphores.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

let before: { descriptors: string[]; mappings: string[]; threads: number }
const memories: SharedMemory[] = []
const snapshot = () => ({ descriptors: descriptors(), mappings: mappings(), threads: threads() })
beforeEach(() => {
  before = snapshot()
})
afterEach(async () => {
  unlinkSemaphores()
  for (const each of memories.splice(0)) each.close()
  await turns()
  expect(snapshot()).toEqual(before)
})

function memory(size = 4096): SharedMemory {
  const made = SharedMemory.anonymous(size)
  memories.push(made)
  return made
}

type Semaphore = MemorySemaphore | NamedSemaphore | SysvSemaphore

/** Makes a semaphore, and finds it again. */
const KINDS: Record<string, (initial: number) => [made: Semaphore, found: () => Semaphore]> = {
  MemorySemaphore: (initial) => {
    const where = memory()
    return [MemorySemaphore.create(where, 64, initial), () => MemorySemaphore.open(where, 64)]
  },
  NamedSemaphore: (initial) => {
    const name = freshSemaphore()
    return [NamedSemaphore.create(name, initial), () => NamedSemaphore.open(name)]
  },
  SysvSemaphore: (initial) => {
    const key = freshSemaphoreKey()
    return [SysvSemaphore.create(key, initial), () => SysvSemaphore.open(key)]
  },
  'SysvSemaphore with undo': (initial) => {
    const key = freshSemaphoreKey()
    return [SysvSemaphore.create(key, initial, { undo: true }), () => SysvSemaphore.open(key, { undo: true })]
  },
}

describe.each(Object.entries(KINDS))('%s', (_, make) => {
  it('gives as many permits as there are, in all three forms, to all who have it', async () => {
    const [made, find] = make(3)
    using semaphore = made
    using other = find()
    expect([semaphore.value, other.value]).toEqual([3, 3])
    expect(other.tryAcquire()).toBe(true)
    await semaphore.acquire()
    other.acquireSync()
    expect([semaphore.tryAcquire(), other.tryAcquire(), other.value]).toEqual([false, false, 0])
    semaphore.release()
    expect(other.tryAcquire()).toBe(true)
  })

  it('wakes as many of those who wait as there come permits, in the order in which they came', async () => {
    const [made, find] = make(0)
    using semaphore = made
    using other = find()
    const order: number[] = []
    const waiting = [0, 1, 2, 3].map((index) => semaphore.acquire().then(() => order.push(index)))
    await turns(20)
    expect(order).toEqual([])
    other.release()
    await waiting[0]
    await turns(20)
    expect(order).toEqual([0])
    for (let left = 3; left > 0; left--) other.release()
    await Promise.all(waiting)
    expect(order).toEqual([0, 1, 2, 3])
    expect(semaphore.value).toBe(0)
  })

  it('an aborted acquire has taken nothing, and those behind it are served', async () => {
    const [made] = make(0)
    using semaphore = made
    const controllers = [new AbortController(), new AbortController()]
    const aborted = controllers.map(({ signal }) => semaphore.acquire({ signal }))
    const served = semaphore.acquire()
    await turns(5)
    for (const each of controllers) each.abort()
    for (const each of aborted) await expect(each).rejects.toMatchObject({ name: 'AbortError' })
    semaphore.release()
    await served
    semaphore.release()
    await expect(semaphore.acquire({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    await turns(5)
    expect(semaphore.value).toBe(1)
  })

  it('loses no permit and gives none twice, whatever an abort comes together with', async () => {
    const [made, find] = make(0)
    using semaphore = made
    using other = find()
    let taken = 0
    for (let round = 0; round < 300; round++) {
      const controller = new AbortController()
      const waiting = semaphore.acquire({ signal: controller.signal }).then(
        () => taken++,
        (error) => expect(error.name).toBe('AbortError'),
      )
      if (round % 3 === 0) await setImmediate()
      other.release()
      // Sometimes the thread has it by then, and sometimes not.
      for (let spin = round * 50; spin > 0; spin--) Math.sqrt(spin)
      if (round % 2 === 0) controller.abort()
      await waiting
      while (semaphore.tryAcquire()) taken++
    }
    await turns(5)
    expect([taken, semaphore.value]).toEqual([300, 0])
  })

  it('says when there was none in time, and has taken nothing', () => {
    const [made] = make(0)
    using semaphore = made
    for (const timeout of [0, 120]) {
      const started = performance.now()
      expect(() => semaphore.acquireSync({ timeout })).toThrow(code('TIMEOUT'))
      expect(performance.now() - started).toBeGreaterThanOrEqual(timeout)
    }
    semaphore.release()
    for (const timeout of [-1, Number.NaN]) {
      expect(() => semaphore.acquireSync({ timeout })).toThrow(RangeError)
    }
    semaphore.acquireSync({ timeout: 0 })
    expect(semaphore.value).toBe(0)
  })

  it('closed, serves nobody any more, and keeps its permits for others', async () => {
    const [made, find] = make(0)
    using other = find()
    const waiting = [made.acquire(), made.acquire()]
    await turns(5)
    made.close()
    made.close()
    for (const each of waiting) await expect(each).rejects.toEqual(code('CLOSED'))
    other.release()
    expect([made.closed, other.value]).toEqual([true, 1])
    await expect(made.acquire()).rejects.toEqual(code('CLOSED'))
    for (const use of [
      () => made.tryAcquire(),
      () => made.acquireSync(),
      () => made.release(),
      () => made.value,
    ])
      expect(use).toThrow(code('CLOSED'))
  })

  it('loses no permit that comes together with a close', async () => {
    const [first, find] = make(0)
    using other = find()
    first.close()
    for (let round = 0; round < 100; round++) {
      const semaphore = find()
      const waiting = semaphore.acquire().then(
        () => true,
        () => false,
      )
      other.release()
      for (let spin = round * 50; spin > 0; spin--) Math.sqrt(spin)
      semaphore.close()
      if (!(await waiting)) other.acquireSync({ timeout: 10_000 })
      expect(other.value).toBe(0)
    }
  })

  it('has a thread from the first wait on, until it is closed', async () => {
    const [made] = make(1)
    using semaphore = made
    await semaphore.acquire()
    expect(threads()).toBe(before.threads)
    const waiting = semaphore.acquire()
    expect(threads()).toBe(before.threads + 1)
    semaphore.release()
    await waiting
    const again = semaphore.acquire()
    expect(threads()).toBe(before.threads + 1)
    semaphore.release()
    await again
  })
})

describe('a POSIX semaphore', () => {
  const KINDS = {
    MemorySemaphore: (initial: number) => MemorySemaphore.create(memory(), 0, initial),
    NamedSemaphore: (initial: number) => NamedSemaphore.create(freshSemaphore(), initial),
  }

  it.each(Object.entries(KINDS))('takes any number of permits up to its limit: %s', (_, make) => {
    const MOST = 2 ** 31 - 1
    using semaphore = make(MOST - 2)
    expect(() => semaphore.release(3)).toThrow(code('NO_RESOURCES'))
    expect(() => semaphore.release(3)).toThrow(/at most 2,147,483,647/)
    expect(semaphore.value).toBe(MOST - 2)
    semaphore.release(2)
    expect(() => semaphore.release()).toThrow(code('NO_RESOURCES'))
    expect(semaphore.value).toBe(MOST)
    for (const count of [0, -1, 1.5, 2 ** 31, Number.NaN])
      expect(() => semaphore.release(count)).toThrow(RangeError)
    for (const initial of [-1, 0.5, 2 ** 31]) expect(() => make(initial)).toThrow(RangeError)
    expect(semaphore.value).toBe(MOST)
  })

  it('wakes many at once', async () => {
    using semaphore = NamedSemaphore.create(freshSemaphore())
    const waiting = Array.from({ length: 50 }, () => semaphore.acquire())
    semaphore.release(50)
    await Promise.all(waiting)
    expect(semaphore.value).toBe(0)
  })
})

describe('MemorySemaphore', () => {
  it('lies where it was told to, beside others', () => {
    const where = memory()
    const { size, alignment } = MemorySemaphore
    using first = MemorySemaphore.create(where, 0, 1)
    using second = MemorySemaphore.create(where, size, 2)
    using last = MemorySemaphore.create(where, 4096 - size, 3)
    expect([first.value, second.value, last.value]).toEqual([1, 2, 3])
    for (const offset of [
      -alignment,
      1,
      alignment - 1,
      4096 - size + alignment,
      4096,
      2 ** 40,
      0.5,
      Number.NaN,
    ])
      for (const use of [MemorySemaphore.create, MemorySemaphore.open])
        expect(() => use(where, offset), String(offset)).toThrow(RangeError)
    expect([first.value, second.value, last.value]).toEqual([1, 2, 3])
  })

  it('outlives the SharedMemory, also while somebody waits in it', async () => {
    const where = memory()
    const other = MemorySemaphore.create(where)
    const semaphore = MemorySemaphore.open(where)
    const waiting = semaphore.acquire()
    await turns(5)
    where.close()
    other.release()
    await waiting
    expect(other.value).toBe(0)
    other.close()
    semaphore.close()
    expect(() => MemorySemaphore.open(where)).toThrow(code('CLOSED'))
  })

  it('is not made in memory that may not be written', () => {
    const sealed = memory()
    sealed.seal('write')
    expect(() => MemorySemaphore.create(sealed)).toThrow(code('PERMISSION'))
  })
})

describe('the name of a NamedSemaphore', () => {
  it('is taken once, and leads to the same semaphore', () => {
    const name = freshSemaphore()
    using semaphore = NamedSemaphore.create(name, 5)
    expect([semaphore.name, semaphore.created]).toEqual([name, true])
    expect(() => NamedSemaphore.create(name)).toThrow(code('ADDRESS_IN_USE'))
    expect(() => NamedSemaphore.create(name)).toThrow(/a semaphore of this name/)
    using found = NamedSemaphore.openOrCreate(name, 1)
    expect([found.created, found.value]).toEqual([false, 5])
    using made = NamedSemaphore.openOrCreate(freshSemaphore(), 1)
    expect([made.created, made.value]).toEqual([true, 1])
    expect(() => NamedSemaphore.open(freshSemaphore())).toThrow(code('REFUSED'))
  })

  it('is refused with the reason where it is none', () => {
    const long = `/${'x'.repeat(252)}`
    for (const name of ['', '/', 'jobs', '/a/b', '//', '/a\0b', long, `/${'ü'.repeat(126)}`])
      for (const use of [
        NamedSemaphore.create,
        NamedSemaphore.open,
        NamedSemaphore.openOrCreate,
        NamedSemaphore.unlink,
      ])
        expect(() => use(name), name).toThrow(code('ADDRESS_INVALID'))
    const longest = `${freshSemaphore()}${'x'.repeat(252)}`.slice(0, 252)
    NamedSemaphore.create(longest).close()
    expect(NamedSemaphore.unlink(longest)).toBe(true)
  })

  it('is removed by unlink alone: its own while it has it, any other by name', () => {
    const name = freshSemaphore()
    using semaphore = NamedSemaphore.create(name, 1)
    expect(NamedSemaphore.unlink(name)).toBe(true)
    expect(NamedSemaphore.unlink(name)).toBe(false)
    using heir = NamedSemaphore.create(name, 7)
    expect(semaphore.unlink()).toBe(false)
    expect([semaphore.value, heir.value]).toEqual([1, 7])
    expect(heir.unlink()).toBe(true)
    expect(heir.unlink()).toBe(false)
    expect(semaphore.tryAcquire()).toBe(true)
    semaphore.close()
    expect(() => semaphore.unlink()).toThrow(code('CLOSED'))
  })
})
