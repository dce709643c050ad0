import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { connect as connectRaw, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BaseChannel, type BaseListener, observer, type StraitError, WINDOW } from '@strait/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Dealer, Publisher, Push, Router } from 'zeromq'
import { descriptors } from '../../core/test/support/leftovers.js'
import { curveKeyPair, zmqIpc, zmqTcp } from '../src/index.js'

const RAW_PEER = fileURLToPath(new URL('./support/raw-peer.mjs', import.meta.url))
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const endings: (() => unknown)[] = []
const refused: StraitError[] = []
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-zmq-'))
  refused.length = 0
  observer.peerRefused = (_, error) => refused.push(error)
})

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true })
})

type Options = Parameters<typeof zmqTcp.listen>[1]

async function listen(
  scheme: 'tcp' | 'ipc' = 'tcp',
  options: Options = {},
): Promise<BaseListener<BaseChannel>> {
  const listener =
    scheme === 'tcp'
      ? await zmqTcp.listen(new URL('zmq+tcp://127.0.0.1:0'), { key: undefined, ...options })
      : await zmqIpc.listen(new URL(`zmq+ipc:${directory}/s`), options)
  endings.push(() => listener.close())
  return listener
}

async function pairs(scheme: 'tcp' | 'ipc', count: number): Promise<[BaseChannel, BaseChannel][]> {
  const listener = await listen(scheme)
  const made: [BaseChannel, BaseChannel][] = []
  for (let index = 0; index < count; index++) {
    const connecting = scheme === 'tcp' ? zmqTcp.connect(listener.url) : zmqIpc.connect(listener.url)
    const [here, there] = await Promise.all([connecting, listener.accept()])
    endings.push(() => here.abort())
    made.push([here, there!])
  }
  return made
}

const zeroMqAddress = ({ url }: { url: URL }) => `tcp://${url.host}`

/** Meets a listener that has had strangers: it goes on. */
async function stillGreets(listener: BaseListener<BaseChannel>): Promise<void> {
  const [here, there] = await Promise.all([zmqTcp.connect(listener.url), listener.accept()])
  await here.send(new Uint8Array([7]))
  expect(await there!.receive()).toEqual(new Uint8Array([7]))
  here.abort()
}

describe.each(['tcp', 'ipc'] as const)('zmq+%s:', (scheme) => {
  it('C6 300 accepted sends and a clean close: everything arrives, from either end', async () => {
    for (const direction of [0, 1]) {
      const [ends] = await pairs(scheme, 1)
      const [from, to] = direction === 0 ? ends! : [ends![1], ends![0]]
      const sends = Array.from({ length: 300 }, (_, index) => from.send(new Uint8Array(3000).fill(index)))
      const closing = from.close()
      for (let index = 0; index < 300; index++) expect((await to.receive())![2999]).toBe(index % 256)
      expect(await to.receive()).toBeUndefined()
      await Promise.all([...sends, closing])
      for (const end of endings.splice(0).reverse()) await end()
    }
  })

  it('C4 nine peers finish while the tenth does not read', async () => {
    const all = await pairs(scheme, 10)
    const [slow, ...others] = all.map(([, accepted]) => accepted)
    while (slow!.trySend(new Uint8Array(10_000)));
    await Promise.all(
      others.map(async (accepted, index) => {
        const [connected] = all[index + 1]!
        const sending = (async () => {
          for (let count = 0; count < 100; count++) await accepted.send(new Uint8Array(10_000).fill(count))
          await accepted.close()
        })()
        let count = 0
        for await (const message of connected) expect(message[0]).toBe(count++)
        expect(count).toBe(100)
        await sending
      }),
    )
    expect(slow!.trySend(new Uint8Array(1))).toBe(false)
  })

  it('C11 50 opens and closes leave the descriptors as they were', async () => {
    const sockets = () => descriptors().filter((fd) => fd.includes('socket:')).length
    const openAndClose = async () => {
      await pairs(scheme, 1)
      for (const end of endings.splice(0).reverse()) await end()
    }
    const others = sockets()
    await openAndClose()
    await expect.poll(sockets, { timeout: 20_000 }).toBeLessThanOrEqual(others)
    const before = descriptors().length
    for (let round = 0; round < 50; round++) await openAndClose()
    await expect.poll(() => descriptors().length, { timeout: 20_000 }).toBeLessThanOrEqual(before)
  })
})

describe('C7 a killed peer', () => {
  it('what had arrived from it is handed out, then RESET', async () => {
    const listener = await listen('tcp', { maxMessageSize: 65_536 })
    const child = fork(RAW_PEER, [zeroMqAddress(listener)])
    const channel = (await listener.accept())!
    await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect(
      (async () => {
        for (;;) await channel.send(new Uint8Array(10))
      })(),
    ).rejects.toEqual(code('RESET'))
    for (let index = 0; index < 100; index++) expect((await channel.receive())!.at(-1)).toBe(index)
    await expect(channel.receive()).rejects.toEqual(code('RESET'))
  })
})

describe('C13 strangers', () => {
  it('ZeroMQ sockets of others, with junk, are refused and the listener goes on', async () => {
    const listener = await listen()
    const knocks: [Dealer | Push, unknown][] = [
      [new Dealer({ linger: 0 }), 'junk'],
      [new Dealer({ linger: 0 }), ['two', 'frames']],
      [new Dealer({ linger: 0 }), ''],
      [new Dealer({ linger: 0 }), Buffer.from([255])],
      [new Dealer({ linger: 0, routingId: 'chosen' }), Buffer.from([0, 1, 2])],
    ]
    for (const [socket, junk] of knocks) {
      endings.push(() => socket.close())
      socket.connect(zeroMqAddress(listener))
      await socket.send(junk as string)
    }
    // Sockets that no ROUTER talks to.
    for (const socket of [new Push({ linger: 0, sendTimeout: 0 }), new Publisher({ linger: 0 })]) {
      endings.push(() => socket.close())
      socket.connect(zeroMqAddress(listener))
      await socket.send('junk').catch(() => {})
    }
    await expect.poll(() => refused.length).toBe(knocks.length)
    await stillGreets(listener)
  })

  it('raw TCP with garbage does not disturb the listener', async () => {
    const listener = await listen()
    const sockets = ['GET / HTTP/1.1\r\n\r\n', '\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL', ''].map((garbage) => {
      const socket = connectRaw({ host: '127.0.0.1', port: Number(listener.url.port) })
      socket.on('error', () => {})
      socket.write(Buffer.from(garbage, 'latin1'))
      return socket
    })
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await stillGreets(listener)
    for (const socket of sockets) socket.destroy()
  })

  it('a server that is not ZeroMQ is an error, a mute one TIMEOUT, one that hangs up REFUSED', async () => {
    const behaviours: [(socket: Socket) => void, RegExp][] = [
      [(socket) => socket.write('220 mail.example ESMTP\r\n'), /TIMEOUT|CORRUPT/],
      [(socket) => socket.write(Buffer.alloc(200, 255)), /CORRUPT|AUTH_FAILED/],
      [() => {}, /TIMEOUT/],
      [(socket) => socket.destroy(), /REFUSED/],
    ]
    for (const [behave, expected] of behaviours) {
      const sockets: Socket[] = []
      const server = createServer((socket) => {
        sockets.push(socket.on('error', () => {}))
        behave(socket)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as { port: number }
      const connecting = zmqTcp.connect(new URL(`zmq+tcp://127.0.0.1:${port}`), { handshakeTimeout: 200 })
      await expect(connecting.catch((error) => error.code)).resolves.toMatch(expected)
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  })

  it('a ROUTER that does not greet is TIMEOUT, a PUB of no use CORRUPT', async () => {
    for (const [socket, expected] of [
      [new Router({ linger: 0 }), 'TIMEOUT'],
      [new Publisher({ linger: 0 }), 'CORRUPT'],
    ] as const) {
      endings.push(() => socket.close())
      socket.bindSync('tcp://127.0.0.1:*')
      const url = new URL(`zmq+${socket.lastEndpoint}`)
      await expect(zmqTcp.connect(url, { handshakeTimeout: 200 })).rejects.toEqual(code(expected))
    }
  })

  it('of a flood without credit ends the channel behind what was within it, and the listener goes on', async () => {
    const listener = await listen()
    const socket = new Dealer({ sendHighWaterMark: 0 })
    socket.connect(zeroMqAddress(listener))
    const preface = Buffer.alloc(17)
    preface.write('\x05STRAIT\x01', 'latin1')
    preface.writeUInt32LE(1 << 20, 9)
    await socket.send(preface)
    const channel = (await listener.accept())!
    for (let sent = 0; sent < 8 * WINDOW; sent += 10_000) await socket.send(Buffer.alloc(10_001))
    // Sends what it has and hangs up; nobody reads until that is noticed.
    socket.close()
    const failure = await (async () => {
      for (;;) await channel.send(new Uint8Array(0))
    })().catch((error) => error)
    let count = 0
    const end = await (async () => {
      for await (const _ of channel) count++
    })().catch((error) => error)
    // Whichever comes to light first: that it sent too much, or that it is gone.
    expect(end.code).toMatch(/^ERR_STRAIT_(CORRUPT|RESET)$/)
    expect(end).toBe(failure)
    expect(count).toBeGreaterThanOrEqual(Math.ceil(WINDOW / 10_032))
    await stillGreets(listener)
  })

  it('at most `backlog` greet at once, and who has been greeting for longest makes room', async () => {
    const listener = await listen('tcp', { backlog: 2 })
    for (let index = 0; index < 5; index++) {
      const socket = new Dealer({ linger: 0 })
      endings.push(() => socket.close())
      socket.connect(zeroMqAddress(listener))
      await socket.send(Buffer.from([5]))
    }
    await expect
      .poll(() => refused.map((error) => error.code))
      .toEqual(Array(3).fill('ERR_STRAIT_NO_RESOURCES'))
    await stillGreets(listener)
  })
})

describe('CURVE', () => {
  it('who has the right key of the listener comes in; a wrong or missing one is AUTH_FAILED', async () => {
    const keys = curveKeyPair()
    const listener = await listen('tcp', { curve: keys })
    const serverKey = keys.publicKey
    for (const curve of [undefined, { serverKey: curveKeyPair().publicKey }])
      await expect(zmqTcp.connect(listener.url, { curve })).rejects.toEqual(code('AUTH_FAILED'))
    const plain = await listen()
    await expect(zmqTcp.connect(plain.url, { curve: { serverKey } })).rejects.toEqual(code('AUTH_FAILED'))
    for (const curve of [{ serverKey }, { serverKey, ...curveKeyPair() }]) {
      const [here, there] = await Promise.all([zmqTcp.connect(listener.url, { curve }), listener.accept()])
      await here.send(new Uint8Array(100_000).fill(9))
      expect((await there!.receive())!.at(-1)).toBe(9)
      await Promise.all([here.close(), there!.receive()])
    }
  })

  it('keys that are none are a RangeError', async () => {
    const url = new URL('zmq+tcp://127.0.0.1:1')
    await expect(zmqTcp.connect(url, { curve: { serverKey: 'short' } })).rejects.toThrow(RangeError)
    const { publicKey } = curveKeyPair()
    await expect(zmqTcp.connect(url, { curve: { serverKey: publicKey, publicKey } })).rejects.toThrow(
      RangeError,
    )
    await expect(zmqTcp.listen(url, { curve: { publicKey, secretKey: '' } })).rejects.toThrow(RangeError)
  })
})

describe('zmq+ipc: and its name', () => {
  it('a live path is ADDRESS_IN_USE, and its listener lives on', async () => {
    const listener = await listen('ipc')
    await expect(zmqIpc.listen(listener.url)).rejects.toEqual(code('ADDRESS_IN_USE'))
    const [here] = await Promise.all([zmqIpc.connect(listener.url), listener.accept()])
    here.abort()
  })

  it('a symbolic link is refused by both ends', async () => {
    const listener = await listen('ipc')
    symlinkSync(join(directory, 's'), join(directory, 'link'))
    const url = new URL(`zmq+ipc:${directory}/link`)
    await expect(zmqIpc.connect(url)).rejects.toEqual(code('PERMISSION'))
    await expect(zmqIpc.listen(url)).rejects.toEqual(code('PERMISSION'))
    await listener.close()
  })

  it('an abstract name is exclusive, leaves no file, and refuses when nobody is there', async () => {
    const url = new URL(`zmq+ipc:@strait-test-${process.pid}`)
    const listener = await zmqIpc.listen(url)
    await expect(zmqIpc.listen(url)).rejects.toEqual(code('ADDRESS_IN_USE'))
    const [here, there] = await Promise.all([zmqIpc.connect(url), listener.accept()])
    here.abort()
    await there!.closed
    await listener.close()
    await expect(zmqIpc.connect(url)).rejects.toEqual(code('REFUSED'))
  })
})

describe('a name whose listener is closed', () => {
  it('refuses, and the next listener takes it over, while an accepted channel lives', async () => {
    const listener = await listen()
    const [here, there] = await Promise.all([zmqTcp.connect(listener.url), listener.accept()])
    await listener.close()
    await expect(zmqTcp.connect(listener.url)).rejects.toEqual(code('REFUSED'))
    await expect(zmqTcp.listen(listener.url, { maxMessageSize: 5 })).rejects.toEqual(code('ADDRESS_IN_USE'))
    const heir = await zmqTcp.listen(listener.url)
    endings.push(() => heir.close())
    await stillGreets(heir)
    await here.send(new Uint8Array([1]))
    expect(await there!.receive()).toHaveLength(1)
    here.abort()
  })
})
