import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { MessageQueue } from '../src/index.js'
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
import { freshQueue, unlinkQueues } from './support/queues.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)
const SMALL = { maxMessages: 4, maxMessageSize: 64 }
const IMPORT = `import { MessageQueue } from ${JSON.stringify(BUILT)}
const attempt = (work) => { try { return work() ?? 'done' } catch (error) { return error.code } }
`

let before: string[]
beforeEach(() => {
  before = descriptors()
})
afterEach(async () => {
  unlinkQueues()
  await turns()
  expect(descriptors()).toEqual(before)
})

/** Until the process has nothing to do but wait. */
async function asleep(pid: number): Promise<void> {
  const state = () =>
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .charAt(0)
  while (state() !== 'S') await new Promise((resolve) => setTimeout(resolve, 5))
}

type Other = (...args: string[]) => ReturnType<typeof start>

const OTHERS: [string, boolean, (work: (other: Other) => Promise<void>) => Promise<void>][] = [
  [
    `C${skippedWithoutCompiler}`,
    noCompiler,
    (work) =>
      inDirectory(async (directory) => {
        const program = compile('queue', directory)
        await work((...args) => start(program, args))
      }),
  ],
  [`Python${skippedWithoutPython}`, noPython, (work) => work((...args) => python('queue', ...args))],
]

for (const [name, missing, using] of OTHERS) {
  describe.skipIf(missing)(`MessageQueue and ${name}`, () => {
    it('receives what the other has made, sent and left, the most urgent first', () =>
      using(async (other) => {
        const name = freshQueue()
        await other('send', name, '1', 'low', '32767', 'urgent', '1', 'low too').output
        using queue = MessageQueue.open(name)
        expect(queue.attributes).toEqual({ ...SMALL, messages: 3 })
        const received = [0, 1, 2].map(() => queue.receiveSync())
        expect(received.map(({ message, priority }) => [priority, text(message)])).toEqual([
          [32_767, 'urgent'],
          [1, 'low'],
          [1, 'low too'],
        ])
      }))

    it('sends what the other receives with its priority', () =>
      using(async (other) => {
        using queue = MessageQueue.create(freshQueue(), SMALL)
        for (const priority of [0, 32_767, 5]) await queue.send(bytes(`of ${priority}`), { priority })
        expect(await other('receive', queue.name!, '3').output).toBe('32767 of 32767\n5 of 5\n0 of 0\n')
      }))

    it('wakes one that waits for a message, and one that waits for room', () =>
      using(async (other) => {
        using queue = MessageQueue.create(freshQueue(), SMALL)
        const receiver = other('receive', queue.name!, '1')
        await asleep(receiver.child.pid!)
        await queue.send(bytes('at last'), { priority: 3 })
        expect(await receiver.output).toBe('3 at last\n')
        const words = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((word) => ['0', word])
        const sender = other('send', queue.name!, ...words)
        while (queue.attributes.messages < 4) await turns(1)
        await asleep(sender.child.pid!)
        let received = ''
        while (received.length < 6) received += text((await queue.receive()).message)
        expect(received).toBe('abcdef')
        await sender.output
      }))

    it('exchanges a thousand with it both ways at once, whole and in order', () =>
      using(async (other) => {
        using there = MessageQueue.create(freshQueue(), SMALL)
        using back = MessageQueue.create(freshQueue(), SMALL)
        const { output } = other('echo', there.name!, back.name!, '1000')
        const sending = (async () => {
          for (let i = 0; i < 1000; i++) await there.send(pattern(i % 65))
        })()
        for (let i = 0; i < 1000; i++)
          expect(await back.receive()).toEqual({ message: pattern(i % 65), priority: 1 })
        await Promise.all([sending, output])
      }))
  })
}

describe('MessageQueue and other processes', () => {
  it('leaves its name and its messages when its process exits, and nothing else', async () => {
    const name = freshQueue()
    const program = `${IMPORT}
      const queue = MessageQueue.create(${JSON.stringify(name)}, ${JSON.stringify(SMALL)})
      queue.trySend(Buffer.from('left'), { priority: 2 })
      for (let i = 0; i < 5; i++) queue.send(Buffer.of(i))
      setImmediate(() => process.exit(7))`
    expect((await node(program)).code).toBe(7)
    using queue = MessageQueue.open(name)
    expect(queue.receiveSync()).toEqual({ message: Uint8Array.from(bytes('left')), priority: 2 })
    // What waited for room is gone with who sent it.
    for (const i of [0, 1, 2]) expect(queue.tryReceive()!.message).toEqual(Uint8Array.of(i))
    expect(queue.tryReceive()).toBeUndefined()
    expect(queue.unlink()).toBe(true)
  })

  it('is made by exactly one of those who open or create at once, and all have the same', async () => {
    const [ready, go] = [freshQueue(), freshQueue()]
    using arrived = MessageQueue.create(ready, SMALL)
    using signal = MessageQueue.create(go, SMALL)
    const names = Array.from({ length: 40 }, freshQueue)
    const program = `${IMPORT}
      await MessageQueue.open(${JSON.stringify(ready)}).send(Buffer.of(1))
      MessageQueue.open(${JSON.stringify(go)}).receiveSync()
      for (const name of ${JSON.stringify(names)}) {
        const queue = MessageQueue.openOrCreate(name, ${JSON.stringify(SMALL)})
        queue.sendSync(Buffer.of(queue.created ? 1 : 0))
        queue.close()
      }`
    const racers = [1, 2, 3, 4].map(() => node(program))
    for (const _ of racers) await arrived.receive()
    for (const _ of racers) await signal.send(Uint8Array.of(1))
    for (const each of await Promise.all(racers)) expect(each).toEqual({ code: 0, out: '' })
    for (const name of names) {
      using queue = MessageQueue.open(name)
      expect(queue.attributes.messages).toBe(4)
      let made = 0
      while (queue.attributes.messages > 0) made += queue.tryReceive()!.message[0]!
      expect(made).toBe(1)
    }
  })

  it('is passed to a child as a descriptor, which no longer needs the name', async () => {
    using queue = MessageQueue.create(freshQueue(), SMALL)
    queue.unlink()
    const program = `${IMPORT}
      const queue = MessageQueue.fromDescriptor(3)
      await queue.send(Buffer.from('from the child'))`
    const stdio = ['ignore', 'pipe', 'inherit', queue.descriptor] as const
    const { output } = start(process.execPath, ['--input-type=module', '-e', program], { stdio: [...stdio] })
    expect(text((await queue.receive()).message)).toBe('from the child')
    await output
  })

  it.skipIf(notRoot)(
    `keeps other users out by its mode, and does not trust theirs${skippedUnlessRoot}`,
    async () => {
      using ours = MessageQueue.create(freshQueue(), SMALL)
      using open = MessageQueue.create(freshQueue(), { ...SMALL, mode: 0o666 })
      const theirs = freshQueue()
      const names = JSON.stringify([ours.name, open.name, theirs])
      const program = `${IMPORT}
        const [ours, open, theirs] = ${names}
        console.log(attempt(() => MessageQueue.open(ours)))
        console.log(attempt(() => MessageQueue.openOrCreate(ours)))
        console.log(attempt(() => MessageQueue.unlink(open)))
        MessageQueue.open(open).sendSync(Buffer.from('from nobody'))
        MessageQueue.create(theirs, ${JSON.stringify(SMALL)})`
      const refused = 'ERR_STRAIT_PERMISSION\n'.repeat(3)
      expect(await node(program, NOBODY)).toEqual({ code: 0, out: refused })
      expect(text(open.tryReceive()!.message)).toBe('from nobody')
      expect(() => MessageQueue.open(theirs)).toThrow(code('PERMISSION'))
      expect(() => MessageQueue.openOrCreate(theirs)).toThrow(/belongs to user 65534/)
      using _ = MessageQueue.open(theirs, { owner: 65_534 })
    },
  )
})

// A user and names of its own: what others have at the same time counts against the same limits.
const ALONE = ['unshare', '--ipc', 'setpriv', '--reuid=54321', '--regid=54321', '--clear-groups']
const works = (...command: string[]) => spawnSync(command[0]!, command.slice(1)).status === 0
const notAlone = notRoot || !works(...ALONE, 'prlimit', '--msgqueue=1', 'true')
const skippedUnlessAlone = notAlone ? ' (skipped: needs root, setpriv, unshare and prlimit)' : ''

describe.skipIf(notAlone)(`the limits of MessageQueue${skippedUnlessAlone}`, () => {
  /** What the program says as a user with these limits. */
  async function limited(limits: string[], program: string): Promise<string> {
    const { code, out } = await node(IMPORT + program, [...ALONE, 'prlimit', ...limits])
    expect(code).toBe(0)
    return out
  }

  it('of a user allow nine queues that were made without saying how large', async () => {
    const out = await limited(
      ['--msgqueue=819200'],
      `
      const { attributes } = MessageQueue.create('/0')
      console.log(attributes.maxMessages, attributes.maxMessageSize, attributes.messages)
      for (let i = 1; i < 9; i++) MessageQueue.create('/' + i)
      console.log(attempt(() => MessageQueue.create('/9')))`,
    )
    expect(out).toBe('10 8192 0\nERR_STRAIT_NO_RESOURCES\n')
  })

  it('name the one of the bytes in all queues of a user, and closing one makes room', async () => {
    const out = await limited(
      ['--msgqueue=20000'],
      `
      const create = (name) => MessageQueue.create(name, { maxMessages: 8, maxMessageSize: 1024 })
      const kept = [create('/a'), create('/b')]
      try { create('/c') } catch (error) { console.log(error.code, error.message.includes('ulimit -q')) }
      kept[0].close()
      console.log(attempt(() => create('/c').name))
      kept[0] = MessageQueue.open('/a')
      kept[0].unlink()
      kept[0].close()
      console.log(attempt(() => create('/c').name))`,
    )
    expect(out).toBe('ERR_STRAIT_NO_RESOURCES true\nERR_STRAIT_NO_RESOURCES\n/c\n')
  })

  it('name the one of open files', async () => {
    const out = await limited(
      ['--nofile=64'],
      `
      const kept = [MessageQueue.create('/a', { maxMessages: 1, maxMessageSize: 1 })]
      const told = (work) => { try { for (;;) work() } catch (error) { console.log(error.code, error.message.includes('ulimit -n')) } }
      told(() => kept.push(MessageQueue.open('/a')))
      told(() => MessageQueue.create('/b', { maxMessages: 1, maxMessageSize: 1 }))
      for (const each of kept) each.close()
      console.log(attempt(() => MessageQueue.open('/b')))`,
    )
    expect(out).toBe('ERR_STRAIT_NO_RESOURCES true\nERR_STRAIT_NO_RESOURCES true\nERR_STRAIT_REFUSED\n')
  })

  it('name those of one queue, and of how many there may be', async () => {
    const out = await limited(
      ['--core=0'],
      `
      const said = (options, limit) => {
        try { MessageQueue.create('/a', options) } catch (error) { console.log(error.code, error.message.includes(limit)) }
      }
      said({ maxMessages: 11 }, 'sysctl fs.mqueue.msg_max')
      said({ maxMessageSize: 8193 }, 'fs.mqueue.msgsize_max')
      const tiny = { maxMessages: 1, maxMessageSize: 1 }
      for (let i = 0; i < 256; i++) MessageQueue.create('/' + i, tiny).close()
      said(tiny, 'sysctl fs.mqueue.queues_max')
      MessageQueue.unlink('/0')
      MessageQueue.create('/a', tiny)`,
    )
    expect(out).toBe('ERR_STRAIT_NO_RESOURCES true\n'.repeat(3))
  })
})

describe('the end of a thread with a MessageQueue', () => {
  const BLOCKING = { receiveSync: 'queue.receiveSync()', sendSync: 'for (;;) queue.sendSync(Buffer.of(1))' }
  const program = (name: string, work: string) => `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(BUILT)}).then(({ MessageQueue }) => {
      const queue = MessageQueue.openOrCreate(${JSON.stringify(name)}, ${JSON.stringify(SMALL)})
      parentPort.postMessage('ready')
      ${work}
    })`

  it.each(Object.entries(BLOCKING))('comes while it is blocked in %s', async (_, work) => {
    const worker = new Worker(program(freshQueue(), work), { eval: true })
    await once(worker, 'message')
    expect(await worker.terminate()).toBe(1)
  })

  it.each(Object.entries(BLOCKING))('comes with its process while it is blocked in %s', async (_, work) => {
    const code = `
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      const worker = new Worker(${JSON.stringify(program(freshQueue(), work))}, { eval: true, execArgv: [] })
      await once(worker, 'message')
      process.exit(7)`
    expect(await node(code)).toEqual({ code: 7, out: '' })
  })

  it('leaves no descriptor, whoever waited', async () => {
    const work = `
      queue.receive()
      const full = MessageQueue.openOrCreate(${JSON.stringify(freshQueue())}, ${JSON.stringify(SMALL)})
      for (let i = 0; i < 5; i++) full.send(Buffer.of(1))
      globalThis.kept = [queue, full, MessageQueue.open(queue.name, { access: 'read' })]
      parentPort.postMessage('waiting')`
    for (let round = 0; round < 20; round++) {
      const worker = new Worker(program(freshQueue(), work), { eval: true })
      const messages: string[] = []
      worker.on('message', (each) => messages.push(each))
      while (!messages.includes('waiting')) await turns(1)
      expect(descriptors().filter((each) => each.includes('/strait-test-'))).toHaveLength(3)
      await worker.terminate()
      expect(descriptors()).toEqual(before)
    }
  })

  it('finds nothing left of 10,000 that were opened, waited for and closed', async () => {
    const name = freshQueue()
    using _ = MessageQueue.create(name, SMALL)
    const start = descriptors()
    for (let round = 0; round < 10_000; round++) {
      const queue = MessageQueue.open(name)
      queue.trySend(Uint8Array.of(1))
      queue.tryReceive()
      const waiting = queue.receive().catch((error) => error)
      queue.close()
      expect(await waiting).toEqual(code('CLOSED'))
      if (round % 100 === 0) await turns(1)
    }
    await turns()
    expect(descriptors()).toEqual(start)
  })
})
