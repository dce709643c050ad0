import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { expose, proxy, wrap } from 'comlink'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMessageConnection, type MessageConnection, ResponseError } from 'vscode-jsonrpc/node.js'
import {
  type Channel,
  type ChannelPort,
  type CloseInfo,
  connect,
  json,
  listen,
  merge,
  spawnPeer,
  structuredClone,
  toDuplex,
  toJsonRpc,
  toMessagePort,
  toWebStreams,
} from '../src/index.js'

/** Where two ends meet, each over another mechanism. */
const ADDRESSES = ['unix:DIRECTORY/a', 'tcp://127.0.0.1:0', 'ws://127.0.0.1:0/']

const PEER = new URL('./support/peer.mjs', import.meta.url)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const utf8 = (message: string) => new TextEncoder().encode(message)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)

const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)
let directory: string
let channels: Channel[]
beforeAll(() => {
  process.on('unhandledRejection', note)
})
afterAll(() => {
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-adapters-'))
  channels = []
})
afterEach(async () => {
  for (const channel of channels) channel.abort()
  rmSync(directory, { recursive: true })
})

async function pair(address: string): Promise<[Channel, Channel]> {
  const listener = await listen(address.replace('DIRECTORY', directory), { key: 'test' })
  const ends = (await Promise.all([connect(listener.url, { key: 'test' }), listener.accept()])) as [
    Channel,
    Channel,
  ]
  channels.push(...ends)
  await listener.close()
  return ends
}

const closeOf = (port: ChannelPort) =>
  new Promise<CloseInfo>((resolve) => {
    port.addEventListener('close', (event) => resolve((event as MessageEvent).data as CloseInfo))
  })

const bytes = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31) % 251))

describe.each(ADDRESSES)('comlink over %s', (address) => {
  class Counter {
    count = 0
    name = 'counter'
    add(by: number): number {
      this.count += by
      return this.count
    }
    fail(): never {
      throw new RangeError('no further')
    }
    echo<T>(value: T): T {
      return value
    }
    function(): () => void {
      return () => {}
    }
  }

  async function wrapped(codec = json) {
    const [here, there] = await pair(address)
    const ports = [toMessagePort(here, codec), toMessagePort(there, codec)] as const
    expose(new Counter(), ports[1] as never)
    return { counter: wrap<Counter>(ports[0] as never), ports, here, there }
  }

  it('calls, reads and sets, many at once, in order', async () => {
    const { counter } = await wrapped()
    expect(await counter.name).toBe('counter')
    const calls = Array.from({ length: 1000 }, () => counter.add(1))
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
    await Object.assign(counter, { count: 41 })
    expect(await counter.add(1)).toBe(42)
  })

  it('what is thrown there is thrown here', async () => {
    const { counter } = await wrapped()
    await expect(counter.fail()).rejects.toMatchObject({ name: 'RangeError', message: 'no further' })
  })

  it('more than the mechanism holds, both ways at once', async () => {
    const { counter } = await wrapped()
    const large = 'x'.repeat(100_000)
    const echoes = await Promise.all(Array.from({ length: 50 }, (_, index) => counter.echo(index + large)))
    expect(echoes.every((echo, index) => echo === index + large)).toBe(true)
  })

  it('with structuredClone, what JSON has no form for', async () => {
    const { counter } = await wrapped(structuredClone)
    const value = { map: new Map([[1n, new Date(0)]]), bytes: Uint8Array.of(1, 2), none: undefined }
    expect(await counter.echo(value)).toEqual(value)
  })

  it('a function, which cannot leave its process, is an error on either side, and the next call works', async () => {
    const { counter } = await wrapped(structuredClone)
    const ports: { close(): void }[] = []
    const original = globalThis.MessageChannel
    // Comlink keeps a channel for every proxy it makes; they would keep this process.
    globalThis.MessageChannel = class extends original {
      constructor() {
        super()
        ports.push(this.port1)
      }
    }
    try {
      await expect(counter.echo(proxy(() => {}))).rejects.toEqual(code('NOT_SUPPORTED'))
      await expect(counter.function()).rejects.toMatchObject({ message: 'Unserializable return value' })
    } finally {
      globalThis.MessageChannel = original
      for (const port of ports) port.close()
    }
    expect(await counter.add(1)).toBe(1)
  })

  it('a client that goes away is a `close` for the server, and nothing else', async () => {
    const { counter, ports, here } = await wrapped()
    const closed = closeOf(ports[1])
    void counter.add(1)
    await counter.add(1)
    here.abort()
    expect((await closed).error).toEqual(code('RESET'))
  })

  it('close() lets what was called before arrive', async () => {
    const { counter, ports } = await wrapped()
    const closed = closeOf(ports[1])
    const seen: number[] = []
    ports[1].addEventListener('message', () => seen.push(1))
    for (let index = 0; index < 10; index++) void counter.add(1)
    ports[0].close()
    expect(await closed).toEqual({ by: 'peer' })
    expect(seen).toHaveLength(10)
  })
})

describe.each(ADDRESSES)('vscode-jsonrpc over %s', (address) => {
  async function connections(): Promise<[MessageConnection, MessageConnection, Channel, Channel]> {
    const [here, there] = await pair(address)
    const [ours, theirs] = [here, there].map((channel) => {
      const { reader, writer } = toJsonRpc(channel)
      return createMessageConnection(reader, writer)
    })
    return [ours!, theirs!, here, there]
  }

  it('requests both ways, errors, notifications in order', async () => {
    const [ours, theirs] = await connections()
    theirs.onRequest('add', (a: number, b: number) => a + b)
    theirs.onRequest('fail', () => {
      throw new ResponseError(7, 'no further')
    })
    ours.onRequest('name', () => 'ours')
    const notes: number[] = []
    theirs.onNotification('note', (index: number) => notes.push(index))
    theirs.listen()
    ours.listen()
    expect(await theirs.sendRequest('name')).toBe('ours')
    for (let index = 0; index < 1000; index++) void ours.sendNotification('note', index)
    expect(await ours.sendRequest('add', 2, 3)).toBe(5)
    expect(notes).toEqual(Array.from({ length: 1000 }, (_, index) => index))
    await expect(ours.sendRequest('fail')).rejects.toMatchObject({ code: 7, message: 'no further' })
  })

  it('waits when the peer does not read', async () => {
    const [ours, theirs, , there] = await connections()
    ours.listen()
    const large = 'x'.repeat(100_000)
    let left = 0
    const sends = Array.from({ length: 200 }, () =>
      ours.sendNotification('note', large).then(() => {
        left++
      }),
    )
    await there.readable()
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(left).toBeLessThan(200)
    let received = 0
    theirs.onNotification('note', () => received++)
    theirs.onRequest('received', () => received)
    theirs.listen()
    await Promise.all(sends)
    expect(await ours.sendRequest('received')).toBe(200)
  })

  it('end() closes both, behind everything written', async () => {
    const [ours, theirs, , there] = await connections()
    const notes: number[] = []
    theirs.onNotification('note', (index: number) => notes.push(index))
    const closed = [ours, theirs].map(
      (connection) => new Promise<void>((resolve) => void connection.onClose(resolve)),
    )
    ours.listen()
    theirs.listen()
    for (let index = 0; index < 100; index++) void ours.sendNotification('note', index)
    ours.end()
    await Promise.all(closed)
    expect(await there.closed).toEqual({ by: 'peer' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(notes).toEqual(Array.from({ length: 100 }, (_, index) => index))
  })

  it('a peer that goes away is an error, and then closes', async () => {
    const [ours, , , there] = await connections()
    const said: unknown[] = []
    ours.onError(([error]) => said.push(error))
    const closed = new Promise<void>((resolve) => void ours.onClose(resolve))
    ours.listen()
    there.abort()
    await closed
    expect(said).toEqual([code('RESET')])
  })

  it('dispose() leaves the channel open, for another connection', async () => {
    const [ours, theirs, here] = await connections()
    theirs.onRequest('add', (a: number, b: number) => a + b)
    theirs.listen()
    ours.listen()
    expect(await ours.sendRequest('add', 1, 1)).toBe(2)
    ours.dispose()
    const { reader, writer } = toJsonRpc(here)
    const again = createMessageConnection(reader, writer)
    again.listen()
    expect(await again.sendRequest('add', 2, 2)).toBe(4)
  })
})

describe.each(ADDRESSES)('streams over %s', (address) => {
  it('gzip there and back through toDuplex', async () => {
    const [here, there] = await pair(address)
    const [ours, theirs] = [here, there].map((channel) => toDuplex(channel, { allowHalfOpen: true })) as [
      ReturnType<typeof toDuplex>,
      ReturnType<typeof toDuplex>,
    ]
    const data = bytes(3_000_000)
    const serving = pipeline(theirs, createGunzip(), createGzip({ level: 1 }), theirs)
    const going = pipeline(
      Readable.from([data]),
      createGzip({ level: 0 }),
      ours,
      createGunzip(),
      async (source) => buffer(source as AsyncIterable<Buffer> as never),
    )
    const [back] = await Promise.all([going, serving])
    expect(back.equals(data)).toBe(true)
    for (const channel of [here, there]) expect((await channel.closed).error).toBeUndefined()
  })

  it('gzip there and back through toWebStreams', async () => {
    const [here, there] = await pair(address)
    const [ours, theirs] = [here, there].map((channel) => toWebStreams(channel, { allowHalfOpen: true })) as [
      ReturnType<typeof toWebStreams>,
      ReturnType<typeof toWebStreams>,
    ]
    const data = bytes(1_000_000)
    const gzip = () => new CompressionStream('gzip') as unknown as TransformStream<Uint8Array, Uint8Array>
    const gunzip = () => new DecompressionStream('gzip') as unknown as TransformStream<Uint8Array, Uint8Array>
    const serving = theirs.readable.pipeThrough(gunzip()).pipeThrough(gzip()).pipeTo(theirs.writable)
    const source = new Blob([data]).stream() as unknown as ReadableStream<Uint8Array>
    const back = source.pipeThrough(gzip()).pipeThrough(ours).pipeThrough(gunzip())
    expect((await buffer(back as never)).equals(data)).toBe(true)
    await serving
  })

  it('one way, and the clean end is the end', async () => {
    const [here, there] = await pair(address)
    const data = bytes(3_000_000)
    const receiving = buffer(toDuplex(there))
    await pipeline(Readable.from([data.subarray(0, 10), data.subarray(10)]), toDuplex(here))
    expect((await receiving).equals(data)).toBe(true)
  })
})

describe('a killed peer', () => {
  async function victim() {
    const peer = await spawnPeer('unix:', PEER)
    channels.push(peer.channel)
    await peer.channel.send(utf8('echo'))
    await peer.channel.receive()
    return peer
  }

  it('is the last word of its channel in a merge, and the others go on', async () => {
    const [dying, living] = await Promise.all([victim(), victim()])
    const merged = merge([dying.channel, living.channel])
    const asked = merged.next()
    dying.kill('SIGKILL')
    expect((await asked).value).toMatchObject({ channel: dying.channel, error: code('RESET') })
    await living.channel.send(utf8('still here'))
    const { value } = await merged.next()
    expect(text(value.message)).toBe('still here')
    const end = merged.next()
    await living.close()
    expect((await end).done).toBe(true)
  })

  it('destroys the Duplex with the failure', async () => {
    const peer = await victim()
    const duplex = toDuplex(peer.channel)
    duplex.resume()
    peer.kill('SIGKILL')
    const [error] = await once(duplex, 'error')
    expect(error).toEqual(code('RESET'))
  })

  it('is what `close` of a port says', async () => {
    const peer = await victim()
    const port = toMessagePort(peer.channel)
    port.start()
    peer.kill('SIGKILL')
    expect((await closeOf(port)).error).toEqual(code('RESET'))
  })
})
