import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { descriptors } from '../../core/test/support/leftovers.js'
import { native, SignalQueue } from '../src/index.js'
import { BUILT, node, notRoot, skippedUnlessRoot, start } from './support/others.js'
import { has } from './support/programs.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const PROGRAM = fileURLToPath(new URL('support/signal-queue.mjs', import.meta.url))
const { SIGRTMIN, SIGRTMAX } = native()

/** Sends to the thread that has the queue. */
const send = (queue: SignalQueue, value?: bigint) => SignalQueue.send(queue.address, queue.signal, value)

const program = (...args: string[]) => start(process.execPath, [PROGRAM, ...args]).output

describe('SignalQueue', () => {
  it('hands out the values in the order in which they were sent, in every form', async () => {
    using queue = SignalQueue.open()
    const from = { pid: process.pid, uid: process.getuid!() }
    expect(queue.signal).toBe(SIGRTMIN)
    expect(queue.tryReceive()).toBeUndefined()
    for (const value of [7n, 0n, 2n ** 64n - 1n]) expect(send(queue, value)).toBe(true)
    expect(queue.tryReceive()).toEqual({ value: 7n, ...from })
    expect(queue.receiveSync()).toEqual({ value: 0n, ...from })
    expect(await queue.receive()).toEqual({ value: 2n ** 64n - 1n, ...from })
    const waiting = queue.receive()
    send(queue)
    expect(await waiting).toEqual({ value: 0n, ...from })
  })

  it('serves those who wait in the order in which they came', async () => {
    using queue = SignalQueue.open()
    const waiting = [queue.receive(), queue.receive(), queue.receive()]
    for (const value of [1n, 2n, 3n]) send(queue, value)
    expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual([1n, 2n, 3n])
  })

  it('keeps the order of a thousand that are directed at the thread', async () => {
    using queue = SignalQueue.open()
    const values = Array.from({ length: 1000 }, (_, index) => BigInt(index))
    for (const value of values) expect(send(queue, value)).toBe(true)
    const came: bigint[] = []
    while (came.length < values.length) came.push((await queue.receive()).value)
    expect(came).toEqual(values)
  })

  it('gets everything that is directed at the process, whichever thread it lands on', async () => {
    using queue = SignalQueue.open()
    const values = Array.from({ length: 1000 }, (_, index) => BigInt(index))
    const came = new Set<bigint>()
    for (const value of values) SignalQueue.send({ pid: process.pid }, queue.signal, value)
    while (came.size < values.length) came.add((await queue.receive()).value)
    expect(queue.tryReceive()).toBeUndefined()
    expect([...came].sort((a, b) => Number(a - b))).toEqual(values)
  })

  it('has nothing of what a sender without a value sends but who it was', async () => {
    using queue = SignalQueue.open()
    await start('kill', [`-${queue.signal}`, String(process.pid)]).output
    const { value, uid } = await queue.receive()
    expect({ value, uid }).toEqual({ value: 0n, uid: process.getuid!() })
  })

  it('gives one signal to one queue, in all threads of the process', async () => {
    using queue = SignalQueue.open()
    expect(() => SignalQueue.open()).toThrow(code('ADDRESS_IN_USE'))
    using other = SignalQueue.open({ signal: SIGRTMAX })
    send(other, 1n)
    send(queue, 2n)
    expect([queue.tryReceive()?.value, other.tryReceive()?.value]).toEqual([2n, 1n])
    const attempt = `import(${JSON.stringify(BUILT)}).then(({ SignalQueue }) => SignalQueue.open())
      .catch((error) => require('node:worker_threads').parentPort.postMessage(error.code))`
    const worker = new Worker(attempt, { eval: true })
    expect(await once(worker, 'message')).toEqual(['ERR_STRAIT_ADDRESS_IN_USE'])
    await worker.terminate()
    expect(send(queue, 3n)).toBe(true)
    expect((await queue.receive()).value).toBe(3n)
  })

  it('works in a worker thread, also for what is directed at the process', async () => {
    const code = `import(${JSON.stringify(BUILT)}).then(async ({ SignalQueue }) => {
        const { parentPort } = require('node:worker_threads')
        const queue = SignalQueue.open()
        parentPort.postMessage(queue.address)
        const came = new Set()
        while (came.size < 200) came.add((await queue.receive()).value)
        queue.close()
        parentPort.postMessage(came)
      })`
    const worker = new Worker(code, { eval: true })
    const exited = once(worker, 'exit')
    const [address] = await once(worker, 'message')
    const came = once(worker, 'message')
    expect(address.pid).toBe(process.pid)
    expect(address.tid).not.toBe(process.pid)
    for (let value = 0n; value < 100n; value++) SignalQueue.send(address, SIGRTMIN, value)
    for (let value = 100n; value < 200n; value++) SignalQueue.send({ pid: process.pid }, SIGRTMIN, value)
    expect((await came)[0].size).toBe(200)
    await exited
  })

  it('an aborted receive has taken nothing', async () => {
    using queue = SignalQueue.open()
    const controller = new AbortController()
    const waiting = queue.receive({ signal: controller.signal })
    controller.abort()
    send(queue, 5n)
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await expect(queue.receive({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(queue.tryReceive()?.value).toBe(5n)
  })

  it('says when nothing came in time', () => {
    using queue = SignalQueue.open()
    expect(() => queue.receiveSync({ timeout: 0 })).toThrow(code('TIMEOUT'))
    expect(() => queue.receiveSync({ timeout: 120 })).toThrow(code('TIMEOUT'))
  })

  it('closed, serves nobody any more, and blocks the signal no longer', async () => {
    const before = descriptors()
    const blocked = /^SigBlk.*$/m
    const mask = blocked.exec(readFileSync('/proc/thread-self/status', 'utf8'))![0]
    const queue = SignalQueue.open()
    expect(blocked.exec(readFileSync('/proc/thread-self/status', 'utf8'))![0]).not.toBe(mask)
    const waiting = queue.receive()
    queue.close()
    queue.close()
    await expect(waiting).rejects.toEqual(code('CLOSED'))
    await expect(queue.receive()).rejects.toEqual(code('CLOSED'))
    expect(() => queue.tryReceive()).toThrow(code('CLOSED'))
    expect(() => queue.receiveSync()).toThrow(code('CLOSED'))
    expect(queue.closed).toBe(true)
    await setImmediate()
    expect(descriptors()).toEqual(before)
    expect(blocked.exec(readFileSync('/proc/thread-self/status', 'utf8'))![0]).toBe(mask)
  })

  it('refuses what is no real-time signal, no process and no value', () => {
    for (const signal of [0, 9, SIGRTMIN - 1, SIGRTMAX + 1, 40.5, Number.NaN]) {
      expect(() => SignalQueue.open({ signal })).toThrow(RangeError)
      expect(() => SignalQueue.send({ pid: process.pid }, signal)).toThrow(RangeError)
    }
    for (const pid of [0, -1, 1.5, 2 ** 31])
      expect(() => SignalQueue.send({ pid }, SIGRTMIN)).toThrow(RangeError)
    expect(() => SignalQueue.send({ pid: 1, tid: -1 }, SIGRTMIN)).toThrow(RangeError)
    for (const value of [-1n, 2n ** 64n])
      expect(() => SignalQueue.send({ pid: process.pid }, SIGRTMIN, value)).toThrow(RangeError)
    expect(() => SignalQueue.send({ pid: process.pid }, SIGRTMIN, 1 as unknown as bigint)).toThrow(TypeError)
  })

  it('is refused by who is not there, and by a thread of another process', () => {
    using queue = SignalQueue.open()
    expect(() => SignalQueue.send({ pid: 2 ** 22 + 1 }, SIGRTMIN)).toThrow(code('REFUSED'))
    expect(() => SignalQueue.send({ pid: process.ppid, tid: process.pid }, SIGRTMIN)).toThrow(code('REFUSED'))
    expect(queue.tryReceive()).toBeUndefined()
  })

  it.skipIf(notRoot)(`does not signal another user's process${skippedUnlessRoot}`, async () => {
    const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const attempt = `import(${JSON.stringify(BUILT)}).then(({ SignalQueue }) =>
      SignalQueue.send({ pid: ${process.pid} }, ${SIGRTMIN})).catch((error) => console.log(error.code))`
    expect(await node(attempt, wrapper)).toEqual({ code: 0, out: 'ERR_STRAIT_PERMISSION\n' })
  })
})

describe('the process of a SignalQueue', () => {
  it('does not die of what comes after the queue was closed, nor does the next queue get it', async () => {
    expect(await program('late')).toBe('alive, undefined\n')
  })

  it('hands its children no blocked signal', async () => {
    expect(await program('child')).toMatch(/^SigBlk:\s+0{16}\n$/)
  })

  for (const state of ['blocked', 'waiting', 'unread', 'receiving']) {
    it(`gets the signal back from a worker that is terminated: ${state}`, async () => {
      expect(await program('terminate', state)).toBe('descriptors 0\n')
    })

    it(`exits while a worker has the queue: ${state}`, async () => {
      await expect(program('exit', state)).rejects.toThrow(/ended with 7$/)
    })
  }

  // The limit counts all processes of a user: this one has none.
  const somebody = ['--reuid=61236', '--regid=61236', '--clear-groups']
  const unable = notRoot || !has('prlimit')
  const skipped = unable ? ' (skipped: needs root, setpriv and prlimit)' : ''
  it.skipIf(unable)(
    `is told that as many are pending as may be, and loses none of those${skipped}`,
    async () => {
      const args = [...somebody, 'prlimit', '--sigpending=20', process.execPath, PROGRAM, 'limit']
      const outcome = JSON.parse(await start('setpriv', args).output)
      expect(outcome).toEqual({ sent: 20, first: 0, again: true, left: 20 })
    },
  )
})
