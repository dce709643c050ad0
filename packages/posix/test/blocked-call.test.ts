import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BlockedCall } from '../src/blocked-call.js'
import { BlockingTurns } from '../src/blocking-turns.js'
import { native, SharedMemory } from '../src/index.js'

const system = native()

/** A semaphore in memory of its own. */
function semaphore(initial: number) {
  const memory = SharedMemory.anonymous(4096)
  system.semInit(memory.region, 0, initial)
  return {
    memory,
    post: () => system.semPost(memory.region, 0, 1),
    get value() {
      return system.semValue(memory.region, 0)
    },
    begin: (blocker: Parameters<Parameters<BlockedCall['start']>[0]>[0]) =>
      system.semStartWaiting(blocker, memory.region, 0),
    blocking: {
      attempt: () => (system.semWait(memory.region, 0, 0) === 0 ? true : undefined),
      begin: (blocker: Parameters<Parameters<BlockedCall['start']>[0]>[0]) =>
        system.semStartWaiting(blocker, memory.region, 0),
      finish: () => true,
      undo: () => void system.semPost(memory.region, 0, 1),
    },
  }
}

const threads = () => readdirSync('/proc/self/task').length
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a call that blocks in a thread', () => {
  it('tells when it has come back, and blocks again', async () => {
    const { memory, post, begin } = semaphore(0)
    const results: number[] = []
    let told = () => {}
    const call = new BlockedCall('test', (result) => {
      results.push(result)
      told()
    })
    call.ref()
    for (let round = 1; round <= 100; round++) {
      const done = new Promise<void>((resolve) => {
        told = resolve
      })
      call.start(begin)
      expect(call.blocked).toBe(true)
      post()
      await done
      expect(call.blocked).toBe(false)
    }
    expect(results).toEqual(Array.from({ length: 100 }, () => 0))
    call.close()
    memory.close()
  })

  it('takes no second one meanwhile', () => {
    const { memory, begin } = semaphore(0)
    const call = new BlockedCall('test', () => {})
    call.start(begin)
    expect(() => call.start(begin)).toThrow('EBUSY')
    call.close()
    memory.close()
  })

  it('is cancelled before it begins, while it blocks, and after it has come back, and loses nothing', () => {
    const { memory, post, begin } = semaphore(0)
    const call = new BlockedCall('test', () => expect.unreachable())
    let posted = 0
    let taken = 0
    for (let round = 0; round < 2000; round++) {
      call.start(begin)
      if (round % 3 === 0) {
        post()
        posted++
      }
      // Some rounds let the thread come to where it blocks.
      if (round % 100 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
      const result = call.cancel()
      expect([0, undefined]).toContain(result)
      if (result === 0) taken++
    }
    expect(taken + system.semValue(memory.region, 0)).toBe(posted)
    call.close()
    memory.close()
  })

  it('ends with its owner, whatever it waits for, and so does its thread', async () => {
    const before = threads()
    const { memory, begin } = semaphore(0)
    for (let round = 0; round < 50; round++) {
      const call = new BlockedCall('test', () => expect.unreachable())
      call.start(begin)
      if (round % 2 === 0) await turn()
      call.close()
      call.close()
    }
    memory.close()
    expect(threads()).toBe(before)
  })
})

describe('those who wait for calls that block', () => {
  it('are served in the order in which they came', async () => {
    const { memory, post, blocking } = semaphore(0)
    const turns = new BlockingTurns<boolean>('acquire', 'test')
    const order: number[] = []
    const waiting = Array.from({ length: 20 }, (_, index) =>
      turns.run({ ...blocking }).then(() => order.push(index)),
    )
    for (const _ of waiting) post()
    await Promise.all(waiting)
    expect(order).toEqual(waiting.map((_, index) => index))
    turns.close()
    memory.close()
  })

  it('lose no permit and keep none when they leave at the moment at which it comes', async () => {
    const { memory, post, blocking } = semaphore(0)
    const turns = new BlockingTurns<boolean>('acquire', 'test')
    let posted = 0
    let taken = 0
    for (let round = 0; round < 500; round++) {
      const controllers = [new AbortController(), new AbortController()]
      const waiting = controllers.map(({ signal }) =>
        turns.run({ ...blocking }, { signal }).catch(({ code }: { code: string }) => code),
      )
      if (round % 5 === 0) await turn()
      const first = round % 2
      post()
      posted++
      controllers[first]!.abort()
      if (round % 7 === 0) await turn()
      controllers[1 - first]!.abort()
      for (const each of await Promise.all(waiting)) {
        if (each === true) taken++
        else expect(each).toBe('ERR_STRAIT_ABORTED')
      }
    }
    expect(taken + system.semValue(memory.region, 0)).toBe(posted)
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(posted)
    turns.close()
    memory.close()
  })

  it('get CLOSED when it is closed, and what the thread had taken for them is given back', async () => {
    const s = semaphore(0)
    const turns = new BlockingTurns<boolean>('acquire', 'test')
    const waiting = turns.run({ ...s.blocking })
    s.post()
    // The thread has it, and its owner has not been told.
    while (s.value > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    turns.close()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_STRAIT_CLOSED' })
    expect(s.value).toBe(1)
    s.memory.close()
  })
})
