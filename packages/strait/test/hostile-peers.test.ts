import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect as connectRaw, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { random } from '../../core/test/support/random.js'
import { connect, type Listener, type ListenOptions, listen, type StraitError } from '../src/index.js'

const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

const PREFACE = Buffer.from('535452414954 01 00 00000001 00000000'.replaceAll(' ', ''), 'hex')

let directory: string
let listeners: Listener[]
let strangers: Socket[]
let refused: StraitError[]
const onRefuse = (message: unknown) => void refused.push((message as { error: StraitError }).error)

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-hostile-'))
  listeners = []
  strangers = []
  refused = []
  subscribe('strait:listener:refuse', onRefuse)
})
afterEach(async () => {
  unsubscribe('strait:listener:refuse', onRefuse)
  for (const stranger of strangers) stranger.destroy()
  await Promise.all(listeners.map((listener) => listener.close()))
  expect(readdirSync(directory)).toEqual([])
  rmSync(directory, { recursive: true })
})

describe.each(['unix', 'tcp'] as const)('strangers at a %s: listener', (scheme) => {
  async function opened(options: ListenOptions = {}): Promise<Listener> {
    const address = scheme === 'unix' ? `unix:${directory}/a` : 'tcp://127.0.0.1:0'
    const listener = await listen(address, options)
    listeners.push(listener)
    return listener
  }

  /** Somebody who connects with a bare socket; resolves when connected. */
  function stranger({ url }: Listener): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket =
        scheme === 'unix'
          ? connectRaw({ path: url.pathname, allowHalfOpen: true })
          : connectRaw({ host: url.hostname, port: Number(url.port), allowHalfOpen: true })
      strangers.push(socket)
      socket.once('connect', () => {
        socket.off('error', reject)
        socket.on('error', () => {})
        resolve(socket)
      })
      socket.once('error', reject)
    })
  }

  /** Resolves when the listener has hung up. */
  const hungUp = (socket: Socket) =>
    new Promise<void>((resolve) => {
      socket.resume().once('end', resolve).once('close', resolve)
    })

  /** The listener still does what it is for. */
  async function serves(listener: Listener, options = {}): Promise<void> {
    const accepting = listener.accept()
    const here = await connect(listener.url, options)
    const there = (await accepting)!
    await here.send(utf8('ping'))
    expect(text(await there.receive())).toBe('ping')
    await Promise.all([here.close(), there.close()])
  }

  it('1,000 half-open ones take nobody’s place, and no memory', async () => {
    const listener = await opened()
    await serves(listener)
    const before = process.memoryUsage().rss
    for (let wave = 0; wave < 10; wave++) {
      await Promise.all(Array.from({ length: 100 }, () => stranger(listener)))
      await serves(listener)
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024)
    for (const socket of strangers) expect(socket.destroyed).toBe(false)
    expect(refused).toEqual([])
  })

  it('beyond the backlog who has been greeting for longest has to go, and the newcomer is served', async () => {
    const listener = await opened({ backlog: 10 })
    const first = await Promise.all(Array.from({ length: 10 }, () => stranger(listener)))
    await serves(listener)
    const gone = first.map(hungUp)
    for (let i = 0; i < 10; i++) await stranger(listener)
    await Promise.all(gone)
    await serves(listener)
    expect(refused.length).toBeGreaterThanOrEqual(10)
    const codes = new Set(refused.map(({ code }) => code))
    expect(codes).toContain('ERR_STRAIT_NO_RESOURCES')
  })

  it('a backlog full of channels that nobody accepts refuses the next one', async () => {
    const listener = await opened({ backlog: 3 })
    const channels = []
    for (let i = 0; i < 3; i++) channels.push(await connect(listener.url))
    await expect(connect(listener.url)).rejects.toEqual(code('REFUSED'))
    const accepted = (await listener.accept())!
    channels.push(await connect(listener.url))
    await accepted.send(utf8('for the first'))
    expect(text(await channels[0]!.receive())).toBe('for the first')
    for (const channel of [...channels, accepted]) channel.abort()
  })

  it('the half-open ones go when the greeting takes too long', async () => {
    const listener = await opened({ handshakeTimeout: 50 })
    const silent = await Promise.all([stranger(listener), stranger(listener)])
    silent[1]!.write(PREFACE.subarray(0, 7))
    await Promise.all(silent.map(hungUp))
    expect(refused.map(({ code }) => code)).toEqual(['ERR_STRAIT_TIMEOUT', 'ERR_STRAIT_TIMEOUT'])
    await serves(listener)
  })

  it('garbage is answered by a hang-up and a reason, and harms nobody else', async () => {
    const listener = await opened()
    const accepting = listener.accept()
    const here = await connect(listener.url)
    const there = (await accepting)!
    const next = random(5)
    const gone: Promise<void>[] = []
    for (let i = 0; i < 200; i++) {
      const socket = await stranger(listener)
      gone.push(hungUp(socket))
      const length = 16 + Math.floor(next() * 5000)
      socket.write(Buffer.from(Array.from({ length }, () => 1 + Math.floor(next() * 255))))
    }
    await Promise.all(gone)
    expect(refused).toHaveLength(200)
    for (const { code, message } of refused) {
      expect(code).toBe('ERR_STRAIT_CORRUPT')
      expect(message).toContain(String(listener.url))
    }
    await here.send(utf8('unharmed'))
    expect(text(await there.receive())).toBe('unharmed')
    await Promise.all([here.close(), there.close()])
    await serves(listener)
  })

  it('an endless flood without a greeting is cut off, not stored', async () => {
    const listener = await opened()
    const socket = await stranger(listener)
    const gone = hungUp(socket)
    const block = Buffer.alloc(1024 * 1024, 'x')
    while (socket.write(block)) if (socket.writableLength > 64 * 1024 * 1024) break
    await gone
    expect(refused.map(({ code }) => code)).toEqual(['ERR_STRAIT_CORRUPT'])
    await serves(listener)
  })

  it('a frame longer than allowed ends that channel, before there is memory for it', async () => {
    const listener = await opened()
    const sockets = []
    const channels = []
    for (let i = 0; i < 50; i++) {
      const accepting = listener.accept()
      const socket = await stranger(listener)
      sockets.push(socket)
      socket.write(PREFACE)
      channels.push((await accepting)!)
    }
    const before = process.memoryUsage().arrayBuffers
    for (const socket of sockets) socket.write(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x40]))
    for (const channel of channels) await expect(channel.receive()).rejects.toEqual(code('TOO_LARGE'))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024)
    await serves(listener)
  })

  it('a frame cut short is TRUNCATED, behind what had arrived whole', async () => {
    const listener = await opened()
    const frame = Buffer.from([0, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5])
    for (let cut = 1; cut < frame.length; cut++) {
      const accepting = listener.accept()
      const socket = await stranger(listener)
      socket.write(PREFACE)
      const channel = (await accepting)!
      socket.end(Buffer.concat([frame, frame.subarray(0, cut)]))
      expect(await channel.receive()).toEqual(Uint8Array.of(1, 2, 3, 4, 5))
      await expect(channel.receive()).rejects.toEqual(code('TRUNCATED'))
    }
    await serves(listener)
  })

  it('a wrong key, or none, is AUTH_FAILED at the one who knocks, and refused here', async () => {
    const listener = await opened({ key: 'right' })
    await expect(connect(listener.url, { key: 'wrong' })).rejects.toEqual(code('AUTH_FAILED'))
    await expect(connect(listener.url)).rejects.toEqual(code('AUTH_FAILED'))
    await serves(listener, { key: 'right' })
    expect(refused.map(({ code }) => code)).toEqual(['ERR_STRAIT_AUTH_FAILED', 'ERR_STRAIT_AUTH_FAILED'])
    const keyless = await listen(scheme === 'unix' ? `unix:${directory}/b` : 'tcp://127.0.0.1:0')
    listeners.push(keyless)
    await expect(connect(keyless.url, { key: 'right' })).rejects.toEqual(code('AUTH_FAILED'))
    await serves(keyless)
  })

  it('C9 an aborted accept has taken no channel', async () => {
    const listener = await opened()
    const controller = new AbortController()
    const aborted = listener.accept({ signal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toEqual(code('ABORTED'))
    await serves(listener)
  })

  it('C8 close ends accepts, greetings and what nobody accepted; accepted channels live on', async () => {
    const listener = await opened()
    const greeting = hungUp(await stranger(listener))
    const first = await connect(listener.url)
    const accepted = (await listener.accept())!
    const unaccepted = await connect(listener.url)
    const waiting = listener.accept()
    const other = await waiting
    const last = listener.accept()
    await listener.close()
    expect(await last).toBeUndefined()
    expect(await listener.accept()).toBeUndefined()
    await greeting
    await expect(connect(listener.url)).rejects.toEqual(code('REFUSED'))
    await first.send(utf8('still here'))
    expect(text(await accepted.receive())).toBe('still here')
    await unaccepted.send(utf8('me too'))
    expect(text(await other!.receive())).toBe('me too')
    await Promise.all([first, accepted, unaccepted, other!].map((channel) => channel.close()))
  })

  it('C8 a channel that nobody accepts is aborted by close', async () => {
    const listener = await opened()
    const channel = await connect(listener.url)
    await listener.close()
    await expect(channel.receive()).rejects.toEqual(code('RESET'))
  })

  it('C9 connect is given up by its signal, whatever the listener does', async () => {
    const listener = await opened()
    await expect(connect(listener.url, { signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    const serving = (async () => {
      for await (const channel of listener) channel.abort()
    })()
    for (let turn = 0; turn < 8; turn++) {
      const controller = new AbortController()
      const connecting = connect(listener.url, { signal: controller.signal }).then(
        (channel) => channel.close(),
        (error) => expect(error).toEqual(code('ABORTED')),
      )
      await turns(turn)
      controller.abort()
      await connecting
    }
    await listener.close()
    await serving
  })

  it('C9 a signal that is aborted afterwards changes nothing', async () => {
    const controller = new AbortController()
    const options = { signal: controller.signal }
    const listener = await opened(options)
    const here = await connect(listener.url, options)
    const there = (await listener.accept(options))!
    controller.abort()
    await here.send(utf8('still here'))
    expect(text(await there.receive())).toBe('still here')
    await Promise.all([here.close(), there.close()])
    await serves(listener)
  })

  it('C11 leave no descriptor behind', async () => {
    const warm = await opened()
    await serves(warm)
    await warm.close()
    await turns()
    const before = descriptors()
    const listener = await opened({ handshakeTimeout: 10_000, backlog: 20 })
    const sockets = await Promise.all(Array.from({ length: 60 }, () => stranger(listener)))
    for (const [index, socket] of sockets.entries())
      if (index % 2 === 0) socket.write('garbage, and quite some of it')
    await serves(listener)
    await listener.close()
    const closed = sockets.map(
      (socket) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    )
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
    await turns(20)
    expect(descriptors()).toEqual(before)
  })
})
