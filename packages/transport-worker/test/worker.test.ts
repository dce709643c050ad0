import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { MessageChannel } from 'node:worker_threads'
import { Kind } from '@strait/core'
import { type SpawnedPeer, type SpawnOptions, spawnPeer } from '@strait/core/node'
import { afterEach, describe, expect, it } from 'vitest'
import { turns } from '../../core/test/support/leftovers.js'
import { overPort, WorkerChannel, worker } from '../src/index.js'

const PEER = new URL('./support/peer.mjs', import.meta.url)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
/** What the types of Node leave to those of a browser. */
interface WithMemory {
  WebAssembly: { Memory: new (pages: { initial: number }) => { buffer: ArrayBuffer } }
}

const threads = () => readdirSync('/proc/self/task').length

const peers: SpawnedPeer[] = []

async function peer(args: string[], options: SpawnOptions = {}): Promise<SpawnedPeer> {
  const started = await spawnPeer(worker, 'worker:', PEER, { args, ...options })
  peers.push(started)
  return started
}

afterEach(async () => {
  for (const started of peers) started.kill()
  await Promise.all(peers.splice(0).map(({ exited }) => exited))
})

describe('a thread as a peer', () => {
  it('is a thread of this process, with its own arguments and environment', async () => {
    const started = await peer(['identity', 'a', 'b'], { env: { STRAIT_TEST: 'mine' } })
    const said = JSON.parse(text(await started.channel.receive()))
    expect(said).toEqual({
      pid: process.pid,
      threadId: started.thread!.threadId,
      args: ['a', 'b'],
      env: 'mine',
      same: true,
    })
    expect(started.pid).toBe(process.pid)
    expect(started.process).toBeUndefined()
    expect(await started.close()).toEqual({ exitCode: 0, signal: null })
  })

  it('prints into its stdout here, where that is a pipe', async () => {
    const started = await peer(['speak'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [said] = await once(started.thread!.stdout.setEncoding('utf8'), 'data')
    expect(said).toBe('said\n')
    await started.close()
  })

  it('may have threads of its own, which end with it', async () => {
    const before = threads()
    const started = await peer(['middle'])
    await started.channel.send(utf8('through'))
    expect(text(await started.channel.receive())).toBe(`through ${started.thread!.threadId}`)
    expect(threads()).toBeGreaterThan(before + 1)
    started.kill()
    await started.exited
    expect(threads()).toBe(before)
  })

  it.each([
    ['throw-before-joining', /threw Error: thrown on purpose before it took part/],
    ['exit-before-joining', /exited with code 5 before it took part/],
  ])('that ends before it took part (%s) is RESET with the reason', async (mode, reason) => {
    const error = await peer([mode], { stdio: ['ignore', 'inherit', 'ignore'] }).catch((error) => error)
    expect(error).toEqual(code('RESET'))
    expect(error.message).toMatch(reason)
  })

  it('of which there is no program is RESET or SYSTEM, and no thread stays', async () => {
    const before = threads()
    const nothing = new URL('./support/nothing.mjs', import.meta.url)
    const error = await spawnPeer(worker, 'worker:', nothing).catch((error) => error)
    expect(error.code).toMatch(/^ERR_STRAIT_(RESET|SYSTEM)$/)
    expect(error.message).toContain('nothing.mjs')
    await turns(20)
    expect(threads()).toBe(before)
  })

  it('that throws is RESET with what it threw, behind what came before', async () => {
    const { channel, exited } = await peer(['throw-later'], { stdio: ['ignore', 'inherit', 'ignore'] })
    await channel.send(utf8('go on'))
    expect(text(await channel.receive())).toBe('before')
    const error = await channel.receive().catch((error) => error)
    expect(error).toEqual(code('RESET'))
    expect(error.cause).toMatchObject({ exitCode: 1, error: { name: 'RangeError', message: 'thrown later' } })
    await exited
  })
})

describe('C7 terminate() at any moment', () => {
  it.each(['busy', 'blocked', 'flood', 'stubborn', 'echo'])('of a thread that is %s', async (mode) => {
    const before = threads()
    const { channel, thread, exited } = await peer([mode])
    if (mode !== 'echo') await channel.readable()
    const sending = (async () => {
      for (;;) await channel.send(new Uint8Array(1000))
    })().catch((error) => error)
    await thread!.terminate()
    const error = await sending
    expect(error).toEqual(code('RESET'))
    // What had come whole is handed out; then everything fails with the one error.
    for (;;) {
      const message = await channel.receive().catch((failure) => failure)
      if (message instanceof Uint8Array) continue
      expect(message).toBe(error)
      break
    }
    expect(await exited).toEqual({ exitCode: 1, signal: null })
    expect(threads()).toBe(before)
  })

  it('of a thread that closes, or is being closed', async () => {
    const { channel, thread } = await peer(['stubborn'])
    await channel.send(utf8('unread'))
    await channel.send(utf8('unread too'))
    const closing = channel.close()
    await thread!.terminate()
    await closing
    expect((await channel.closed).error).toEqual(code('RESET'))
  })

  it('while the thread starts leaves none', async () => {
    const before = threads()
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController()
      const starting = peer(['echo'], { signal: controller.signal }).catch((error) => error)
      await turns(round)
      controller.abort()
      const outcome = await starting
      if (outcome instanceof Error) expect(outcome).toEqual(code('ABORTED'))
      else await outcome.close()
    }
    while (threads() > before) await turns(1)
  })
})

describe('transfer', () => {
  it('moves the buffer both ways: it is empty where it came from', async () => {
    const { channel } = await peer(['moved'])
    for (const size of [0, 1, 64, 5000, 1024 * 1024]) {
      const message = new Uint8Array(size)
      message[0] = 7
      await (channel as WorkerChannel).send(message, { transfer: true })
      expect(message.byteLength).toBe(0)
      const back = (await channel.receive())!
      expect(back.length).toBe(size)
      expect(back.every((byte) => byte === 7)).toBe(true)
    }
    await channel.close()
  })

  it('C9 takes nothing from who aborts: the buffer is his again, and a later send copies it', async () => {
    const [near, far] = await worker.pair()
    while (near.trySend(new Uint8Array(10_000)));
    const controller = new AbortController()
    const message = new Uint8Array(100).fill(5)
    const sending = near.send(message, { transfer: true, signal: controller.signal })
    controller.abort()
    await expect(sending).rejects.toEqual(code('ABORTED'))
    expect(message).toEqual(new Uint8Array(100).fill(5))
    const again = near.send(message)
    let last: Uint8Array | undefined
    while (last?.length !== 100) last = await far.receive()
    await again
    expect(last).toEqual(message)
    expect(message.byteLength).toBe(100)
    near.abort()
    far.abort()
  })

  it('of a part of a buffer is a TypeError, because the rest would be gone too', async () => {
    const [near, far] = await worker.pair()
    const part = new Uint8Array(100).subarray(10, 20)
    await expect(near.send(part, { transfer: true })).rejects.toThrow(TypeError)
    await expect(near.send(Buffer.from('pooled'), { transfer: true })).rejects.toThrow(TypeError)
    await expect(near.send('text' as never, { transfer: true })).rejects.toThrow(TypeError)
    const shared = new Uint8Array(new SharedArrayBuffer(8))
    await expect(near.send(shared, { transfer: true })).rejects.toThrow(TypeError)
    near.abort()
    far.abort()
  })

  it('of what cannot be moved copies it', async () => {
    const [near, far] = await worker.pair()
    const { Memory } = (globalThis as unknown as WithMemory).WebAssembly
    const memory = new Uint8Array(new Memory({ initial: 1 }).buffer)
    memory[0] = 9
    await near.send(memory, { transfer: true })
    expect(memory.byteLength).toBe(65536)
    expect((await far.receive())![0]).toBe(9)
    near.abort()
    far.abort()
  })
})

describe('C3 a message is a copy', () => {
  it.each([
    ['the whole of its buffer', new Uint8Array(100)],
    ['a part of it', new Uint8Array(1000).subarray(500, 600)],
    ['shared', new Uint8Array(new SharedArrayBuffer(100))],
    ['a Buffer', Buffer.alloc(100)],
  ])('of %s, and no more than that travels', async (_, message) => {
    const [near, far] = await worker.pair()
    message.fill(1)
    await near.send(message)
    message.fill(2)
    const received = (await far.receive())!
    expect(received).toEqual(new Uint8Array(100).fill(1))
    expect(received.buffer.byteLength).toBe(100)
    near.abort()
    far.abort()
  })
})

describe('your own MessageChannel', () => {
  it('becomes a channel, with a key if you want one', async () => {
    const { port1, port2 } = new MessageChannel()
    const [a, b] = await Promise.all([
      overPort(port1, 'listen', { key: 'k' }),
      overPort(port2, 'connect', { key: 'k' }),
    ])
    expect(a).toBeInstanceOf(WorkerChannel)
    await a.send(utf8('over a port'))
    expect(text(await b.receive())).toBe('over a port')
    await Promise.all([a.close(), b.close()])
  })

  it('whose other end is closed, silent or foreign is refused', async () => {
    const closed = new MessageChannel()
    closed.port2.close()
    await expect(overPort(closed.port1, 'connect')).rejects.toEqual(code('REFUSED'))
    const silent = new MessageChannel()
    await expect(overPort(silent.port1, 'connect', { handshakeTimeout: 20 })).rejects.toEqual(code('TIMEOUT'))
    silent.port2.close()
    const foreign = new MessageChannel()
    foreign.port2.postMessage([Kind.HELLO, utf8('something else!!')])
    await expect(overPort(foreign.port1, 'connect')).rejects.toEqual(code('CORRUPT'))
    expect(() => overPort(new MessageChannel().port1, 'connect', { maxMessageSize: -1 })).toThrow(RangeError)
  })

  it.each([['text'], [7], [null], [[]], [['x']], [[0]], [[0, 'x']], [{ cmd: 'mine' }], [new Map()]])(
    'on which somebody else posts %j is CORRUPT, behind what came before',
    async (foreign) => {
      const { port1, port2 } = new MessageChannel()
      const [a, b] = await Promise.all([overPort(port1, 'listen'), overPort(port2, 'connect')])
      await b.send(utf8('before'))
      port2.postMessage(foreign)
      expect(text(await a.receive())).toBe('before')
      await expect(a.receive()).rejects.toEqual(code('CORRUPT'))
      await expect(b.receive()).rejects.toEqual(code('RESET'))
    },
  )
})
