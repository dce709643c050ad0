import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { SysvMessageQueue } from '../src/index.js'
import {
  BUILT,
  compile,
  inDirectory,
  NOBODY,
  noCompiler,
  node,
  noPython,
  notRoot,
  pattern,
  python,
  skippedUnlessRoot,
  skippedWithoutCompiler,
  skippedWithoutPython,
  start,
} from './support/others.js'
import { freshKey, unlinkKeys } from './support/sysv.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)
const IMPORT = `import { SysvMessageQueue } from ${JSON.stringify(BUILT)}
const attempt = (work) => { try { return work() ?? 'done' } catch (error) { return error.code } }
`

let before: string[]
beforeEach(() => {
  before = descriptors()
})
afterEach(async () => {
  unlinkKeys()
  await turns()
  expect(descriptors()).toEqual(before)
})

type Other = (...args: (string | number)[]) => ReturnType<typeof start>

const OTHERS: [string, boolean, (work: (other: Other) => Promise<void>) => Promise<void>][] = [
  [
    `C${skippedWithoutCompiler}`,
    noCompiler,
    (work) =>
      inDirectory(async (directory) => {
        const program = compile('sysv', directory)
        await work((...args) => start(program, args.map(String)))
      }),
  ],
  [
    `Python${skippedWithoutPython}`,
    noPython,
    (work) => work((...args) => python('sysv', ...args.map(String))),
  ],
]

for (const [name, missing, using] of OTHERS) {
  describe.skipIf(missing)(`SysvMessageQueue and ${name}`, () => {
    it('receives what the other has made, sent and left, by type', () =>
      using(async (other) => {
        const key = freshKey()
        await other('send', key, 7, 'seven', 3, 'three', 7, '').output
        using queue = SysvMessageQueue.open(key)
        const received = [-5, 0, 7].map((type) => queue.receiveSync({ type }))
        expect(received.map(({ type, message }) => [type, text(message)])).toEqual([
          [3, 'three'],
          [7, 'seven'],
          [7, ''],
        ])
      }))

    it('sends what the other receives by type, which it waits for', () =>
      using(async (other) => {
        using queue = SysvMessageQueue.create(freshKey())
        await queue.send(bytes('not this'), { type: 4 })
        const { output } = other('receive', queue.key!, 9, 2)
        await queue.send(bytes('this'), { type: 9 })
        queue.sendSync(bytes('and this'), { type: 9 })
        expect(await output).toBe('9 this\n9 and this\n')
        expect(queue.attributes.messages).toBe(1)
      }))

    it('exchanges a thousand with it both ways at once, whole and in order', () =>
      using(async (other) => {
        using there = SysvMessageQueue.create(freshKey())
        using back = SysvMessageQueue.create(freshKey())
        there.resize(4096)
        back.resize(4096)
        const { output } = other('echo', there.key!, back.key!, 1000)
        const sending = (async () => {
          for (let i = 0; i < 1000; i++) await there.send(pattern(i % 65))
        })()
        for (let i = 0; i < 1000; i++)
          expect(await back.receive()).toEqual({ type: 2, message: pattern(i % 65) })
        await Promise.all([sending, output])
      }))
  })
}

describe('SysvMessageQueue and other processes', () => {
  it('leaves its messages when its process exits while it waits, and nothing else', async () => {
    const key = freshKey()
    const program = `${IMPORT}
      const queue = SysvMessageQueue.create(${key})
      queue.resize(3)
      queue.receive({ type: 8 })
      for (let i = 0; i < 5; i++) queue.send(Buffer.of(i))
      setImmediate(() => process.exit(7))`
    expect((await node(program)).code).toBe(7)
    using queue = SysvMessageQueue.open(key)
    for (const i of [0, 1, 2]) expect(queue.tryReceive()!.message).toEqual(Uint8Array.of(i))
    expect(queue.tryReceive()).toBeUndefined()
    expect(queue.unlink()).toBe(true)
  })

  it('is made by exactly one of those who open or create at once, and all have the same', async () => {
    using arrived = SysvMessageQueue.create(freshKey())
    using signal = SysvMessageQueue.create(freshKey())
    const keys = Array.from({ length: 40 }, freshKey)
    const program = `${IMPORT}
      await SysvMessageQueue.open(${arrived.key}).send(Buffer.of(1))
      SysvMessageQueue.open(${signal.key}).receiveSync()
      for (const key of ${JSON.stringify(keys)}) {
        const queue = SysvMessageQueue.openOrCreate(key)
        queue.sendSync(Buffer.of(queue.created ? 1 : 0))
      }`
    const racers = [1, 2, 3, 4].map(() => node(program))
    for (const _ of racers) await arrived.receive()
    for (const _ of racers) await signal.send(Uint8Array.of(1))
    for (const each of await Promise.all(racers)) expect(each).toEqual({ code: 0, out: '' })
    for (const key of keys) {
      using queue = SysvMessageQueue.open(key)
      expect(queue.attributes.messages).toBe(4)
      let made = 0
      while (queue.attributes.messages > 0) made += queue.tryReceive()!.message[0]!
      expect(made).toBe(1)
    }
  })

  it.skipIf(notRoot)(
    `keeps other users out by its mode, and does not trust theirs${skippedUnlessRoot}`,
    async () => {
      using ours = SysvMessageQueue.create(freshKey())
      using open = SysvMessageQueue.create(freshKey(), { mode: 0o666 })
      const theirs = freshKey()
      const program = `${IMPORT}
        console.log(attempt(() => SysvMessageQueue.open(${ours.key})))
        console.log(attempt(() => SysvMessageQueue.unlink(${open.key})))
        const queue = SysvMessageQueue.open(${open.key})
        queue.sendSync(Buffer.from('from nobody'))
        console.log(attempt(() => queue.resize(10)))
        const theirs = SysvMessageQueue.create(${theirs})
        console.log(attempt(() => theirs.resize(1_000_000_000)))`
      const refused = 'ERR_STRAIT_PERMISSION\n'.repeat(4)
      expect(await node(program, NOBODY)).toEqual({ code: 0, out: refused })
      expect(text(open.tryReceive()!.message)).toBe('from nobody')
      expect(() => SysvMessageQueue.open(theirs)).toThrow(code('PERMISSION'))
      expect(() => SysvMessageQueue.openOrCreate(theirs)).toThrow(/belongs to user 65534/)
      using _ = SysvMessageQueue.open(theirs, { owner: 65_534 })
    },
  )
})

// Objects of its own, and limits of its own.
const ALONE = ['unshare', '--ipc']
const notAlone = notRoot || spawnSync(ALONE[0]!, [...ALONE.slice(1), 'true']).status !== 0
const skippedUnlessAlone = notAlone ? ' (skipped: needs root and unshare)' : ''

describe.skipIf(notAlone)(`the limits of SysvMessageQueue${skippedUnlessAlone}`, () => {
  it('are named when too many queues exist, and one that goes makes room', async () => {
    const program = `${IMPORT}
      import { writeFileSync } from 'node:fs'
      writeFileSync('/proc/sys/kernel/msgmni', '2')
      const [first] = [SysvMessageQueue.private(), SysvMessageQueue.private()]
      try { SysvMessageQueue.private() } catch (error) { console.log(error.code, error.message.includes('kernel.msgmni')) }
      first.unlink()
      console.log(SysvMessageQueue.private().created)`
    expect(await node(program, ALONE)).toEqual({ code: 0, out: 'ERR_STRAIT_NO_RESOURCES true\ntrue\n' })
  })

  it('may be larger than the defaults: messages then are, too', async () => {
    const program = `${IMPORT}
      import { writeFileSync } from 'node:fs'
      writeFileSync('/proc/sys/kernel/msgmax', '200000')
      writeFileSync('/proc/sys/kernel/msgmnb', '400000')
      const queue = SysvMessageQueue.private()
      const message = Buffer.alloc(200_000, 7)
      queue.sendSync(message)
      console.log(queue.receiveSync().message.length)
      await queue.send(message)
      console.log(message.equals((await queue.receive()).message))
      console.log(attempt(() => queue.trySend(Buffer.alloc(200_001))))`
    expect(await node(program, ALONE)).toEqual({ code: 0, out: '200000\ntrue\nERR_STRAIT_TOO_LARGE\n' })
  })
})

const threads = () => readdirSync('/proc/self/task').length

describe('the end of a thread with a SysvMessageQueue', () => {
  const BLOCKING = {
    receiveSync: 'queue.receiveSync()',
    sendSync: 'for (;;) queue.sendSync(Buffer.of(1))',
    receive: 'queue.receive({ type: 9 })',
    send: 'for (let i = 0; i < 9; i++) queue.send(Buffer.of(1))',
  }
  const program = (key: number, work: string) => `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(BUILT)}).then(({ SysvMessageQueue }) => {
      const queue = SysvMessageQueue.openOrCreate(${key})
      queue.resize(4)
      parentPort.postMessage('ready')
      ${work}
    })`

  it.each(Object.entries(BLOCKING))('comes while it is blocked in %s', async (_, work) => {
    const worker = new Worker(program(freshKey(), work), { eval: true })
    await once(worker, 'message')
    expect(await worker.terminate()).toBe(1)
  })

  it.each(Object.entries(BLOCKING))('comes with its process while it is blocked in %s', async (_, work) => {
    const code = `
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      const worker = new Worker(${JSON.stringify(program(freshKey(), work))}, { eval: true, execArgv: [] })
      await once(worker, 'message')
      process.exit(7)`
    expect(await node(code)).toEqual({ code: 7, out: '' })
  })

  it('leaves no thread for those who waited, nor for many types that were waited for', async () => {
    const queue = SysvMessageQueue.create(freshKey())
    await queue.send(bytes(''))
    await queue.receive()
    const few = threads()
    const waiting = Array.from({ length: 20 }, (_, index) => queue.receive({ type: index + 1 }))
    expect(threads()).toBe(few + 20)
    for (let type = 1; type <= 20; type++) queue.trySend(bytes('x'), { type })
    await Promise.all(waiting)
    expect(threads()).toBeLessThanOrEqual(few + 1)
    queue.close()
    expect(threads()).toBe(few)
  })

  it('finds nothing left of 1,000 that were opened, waited for and closed', async () => {
    const key = freshKey()
    using _ = SysvMessageQueue.create(key)
    const [few, start] = [threads(), descriptors()]
    for (let round = 0; round < 1_000; round++) {
      const queue = SysvMessageQueue.open(key)
      const waiting = queue.receive().catch((error) => error)
      queue.close()
      expect(await waiting).toEqual(code('CLOSED'))
    }
    await turns()
    expect(descriptors()).toEqual(start)
    expect(threads()).toBe(few)
  })

  it('is not put off by a thread that waits: the process ends when nothing else is to do', async () => {
    const program = `${IMPORT}
      const queue = SysvMessageQueue.private()
      queue.trySend(Buffer.of(1))
      await queue.receive()
      const signal = AbortSignal.timeout(20)
      await queue.receive({ signal }).catch((error) => console.log(error.name))
      queue.unlink()`
    expect(await node(program)).toEqual({ code: 0, out: 'AbortError\n' })
  })
})
