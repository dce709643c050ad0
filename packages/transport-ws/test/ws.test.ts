import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer as createHttp, get, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer as createNet, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { ws, wss } from '../src/index.js'
import { Stranger, upgrade } from './support/raw.js'
// @ts-expect-error: other processes import it, so it is not compiled
import { cert, key } from './support/wss.mjs'

const ANY = new URL('ws://127.0.0.1:0/chat')
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end()
})

async function serve(server: Server, host = '127.0.0.1'): Promise<AddressInfo> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  endings.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return server.address() as AddressInfo
}

async function listen(url = ANY, options = {}, transport: typeof ws | typeof wss = ws) {
  const listener = await transport.listen(url, options)
  endings.push(() => listener.close())
  return listener
}

async function pair(options = {}) {
  const listener = await listen(ANY, options)
  const [here, there] = await Promise.all([ws.connect(listener.url, options), listener.accept()])
  await listener.close()
  for (const end of [here, there!]) endings.push(() => end.abort())
  return [here, there!] as const
}

/** Sends one message each way and closes. */
async function meet(
  listener: Awaited<ReturnType<typeof listen>>,
  options = {},
  transport: typeof ws | typeof wss = ws,
) {
  const [here, there] = await Promise.all([transport.connect(listener.url, options), listener.accept()])
  await here.send(utf8('hello'))
  expect(text(await there!.receive())).toBe('hello')
  await there!.send(utf8('and back'))
  expect(text(await here.receive())).toBe('and back')
  await Promise.all([here.close(), there!.close()])
  expect(await here.closed).not.toHaveProperty('error')
  expect(await there!.closed).not.toHaveProperty('error')
}

describe('C10 a listener of its own', () => {
  it('serves its path alone: another is REFUSED, without a path is /', async () => {
    const listener = await listen()
    expect(listener.url.pathname).toBe('/chat')
    await meet(listener)
    for (const path of ['/', '/chat/', '/Chat', '/chat/a']) {
      const error = await ws.connect(new URL(path, listener.url)).catch((error) => error)
      expect(error).toEqual(code('REFUSED'))
      expect(error.message).toMatch(/404/)
    }
    const root = await listen(new URL('ws://127.0.0.1:0'))
    expect(root.url.href).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/$/)
    await meet(root)
  })

  it('tells plain HTTP what it is', async () => {
    const listener = await listen()
    const [response] = await once(get(String(listener.url).replace('ws:', 'http:')), 'response')
    expect(response.statusCode).toBe(426)
    expect(response.headers).toMatchObject({ upgrade: 'websocket', connection: 'close' })
    let body = ''
    for await (const chunk of response) body += chunk
    expect(body).toMatch(/^[^\n]*WebSocket[^\n]*\n$/)
  })

  it('a port in use is ADDRESS_IN_USE, also with another path', async () => {
    const listener = await listen()
    await expect(ws.listen(new URL('/other', listener.url))).rejects.toEqual(code('ADDRESS_IN_USE'))
  })

  it('an address that is not of this machine is ADDRESS_INVALID', async () => {
    await expect(ws.listen(new URL('ws://192.0.2.1:0'))).rejects.toEqual(code('ADDRESS_INVALID'))
  })

  it('wss: meets with a certificate, and the authority must be known', async () => {
    const listener = await listen(new URL('wss://127.0.0.1:0/'), { tls: { cert, key } }, wss)
    const error = await wss.connect(listener.url).catch((error) => error)
    expect(error).toEqual(code('SYSTEM'))
    expect(error.cause.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    await meet(listener, { tls: { ca: cert } }, wss)
  })
})

describe('C10 a server of somebody’s own', () => {
  it('shares its port among paths, and keeps everything else', async () => {
    const server = createHttp((_request, response) => response.end('a page'))
    const { port } = await serve(server)
    const one = await listen(new URL('ws://127.0.0.1:0/one'), { server })
    const two = await listen(new URL(`ws://127.0.0.1:${port}/two`), { server })
    expect([one.url.href, two.url.href]).toEqual([`ws://127.0.0.1:${port}/one`, `ws://127.0.0.1:${port}/two`])
    await expect(ws.listen(one.url, { server })).rejects.toEqual(code('ADDRESS_IN_USE'))
    await meet(one)
    await meet(two)
    const [response] = await once(get(`http://127.0.0.1:${port}/one`), 'response')
    expect(response.statusCode).toBe(200)
    response.resume()
    await expect(ws.connect(new URL('/three', one.url))).rejects.toEqual(code('REFUSED'))
    await one.close()
    await expect(ws.connect(one.url)).rejects.toEqual(code('REFUSED'))
    await meet(two)
    await two.close()
    expect(server.listening).toBe(true)
    expect(server.listenerCount('upgrade')).toBe(0)
    await meet(await listen(one.url, { server }))
  })

  it('leaves other upgrades to who else listens for them', async () => {
    const server = createHttp()
    const { port } = await serve(server)
    const listener = await listen(ANY, { server })
    const theirs = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/theirs')
        theirs.handleUpgrade(request, socket, head, (other) => other.send('theirs'))
    })
    const other = new WebSocket(`ws://127.0.0.1:${port}/theirs`)
    const [message] = await once(other, 'message')
    expect(String(message)).toBe('theirs')
    other.terminate()
    await meet(listener)
  })

  it('is waited for, with a signal, and may be one that does not come to listen', async () => {
    const server = createHttp()
    const controller = new AbortController()
    const waiting = ws.listen(ANY, { server, signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toEqual(code('ABORTED'))
    const other = createHttp()
    const { port } = await serve(other)
    const failing = ws.listen(ANY, { server })
    server.on('error', () => {})
    server.listen(port, '127.0.0.1')
    await expect(failing).rejects.toEqual(code('ADDRESS_IN_USE'))
    const listening = listen(ANY, { server })
    await serve(server)
    await meet(await listening)
    expect(server.listenerCount('listening')).toBe(new Set(createHttp().listeners('listening')).size)
  })

  it('another port than the URL’s, no port at all, or the wrong kind of server is said so', async () => {
    const server = createHttp()
    const { port } = await serve(server)
    await expect(ws.listen(new URL(`ws://127.0.0.1:${port ^ 1}/`), { server })).rejects.toEqual(
      code('ADDRESS_INVALID'),
    )
    await expect(ws.listen(new URL('ws://127.0.0.1/'), { server })).rejects.toThrow(String(port))
    await expect(wss.listen(new URL('wss://127.0.0.1:0/'), { server })).rejects.toThrow(TypeError)
    await expect(ws.listen(ANY, { server, tls: {} })).rejects.toThrow(TypeError)
    const secure = createHttps({ cert, key })
    await expect(ws.listen(ANY, { server: secure })).rejects.toThrow(TypeError)
  })

  it('of https carries wss:', async () => {
    const server = createHttps({ cert, key })
    await serve(server)
    const listener = await listen(new URL('wss://127.0.0.1:0/secure'), { server }, wss)
    await meet(listener, { tls: { ca: cert } }, wss)
  })
})

describe('C13 pages of elsewhere', () => {
  const from = (origin: string) => ({ headers: { origin } })

  it('are not let in unless listed; those of this host and programs without origin are', async () => {
    const listener = await listen()
    await meet(listener)
    await meet(listener, from(`http://${listener.url.host}`))
    for (const origin of ['http://evil.example', 'null', `http://${listener.url.hostname}`, 'garbage', '']) {
      await expect(ws.connect(listener.url, from(origin))).rejects.toEqual(code('PERMISSION'))
    }
    const listing = await listen(ANY, { origins: ['https://example.org'] })
    await meet(listing, from('https://example.org'))
    await expect(ws.connect(listing.url, from(`http://${listing.url.host}`))).rejects.toEqual(
      code('PERMISSION'),
    )
    await meet(await listen(ANY, { origins: 'any' }), from('http://evil.example'))
  })

  it('count as refused, and nothing of the greeting was said to them', async () => {
    const listener = await listen()
    const stranger = await Stranger.knock(listener.url, { Origin: 'http://evil.example' })
    await stranger.gone
    expect(stranger.received).toMatch(/^HTTP\/1\.1 403 /)
  })
})

describe('C10 what connect finds', () => {
  it.each([
    ['HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 'PERMISSION'],
    ['HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 'REFUSED'],
    ['HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', 'REFUSED'],
    ['HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n', 'CORRUPT'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'CORRUPT'],
    ['HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n', 'CORRUPT'],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: chess\r\nConnection: Upgrade\r\n\r\n', 'CORRUPT'],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', 'CORRUPT'],
    ['220 mail.example ESMTP\r\n', 'CORRUPT'],
    ['', 'TIMEOUT'],
    [undefined, 'REFUSED'],
  ])('an answer of %j is %s', async (answer, expected) => {
    const sockets: Socket[] = []
    const server = createNet((socket) => {
      sockets.push(socket.on('error', () => {}))
      if (answer === undefined) socket.destroy()
      else socket.once('data', () => socket.write(answer))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const handshakeTimeout = expected === 'TIMEOUT' ? 100 : 10_000
    const error = await ws.connect(url, { handshakeTimeout }).catch((error) => error)
    expect(error).toEqual(code(expected))
    expect(error.operation).toBe('connect')
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  it('another program’s WebSocket that says something else is CORRUPT, and one that is mute TIMEOUT', async () => {
    for (const [say, expected] of [
      [(other: WebSocket) => other.send('welcome'), 'CORRUPT'],
      [(other: WebSocket) => other.send(new Uint8Array(9)), 'CORRUPT'],
      [(other: WebSocket) => other.close(1000), 'REFUSED'],
      [() => {}, 'TIMEOUT'],
    ] as const) {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      server.on('connection', say)
      await once(server, 'listening')
      const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
      const handshakeTimeout = expected === 'TIMEOUT' ? 100 : 10_000
      await expect(ws.connect(url, { handshakeTimeout })).rejects.toEqual(code(expected))
      for (const client of server.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('an abort at whatever moment is ABORTED and leaves nothing', async () => {
    const listener = await listen()
    const accepted: Promise<unknown>[] = []
    void (async () => {
      for await (const channel of listener) accepted.push(channel.closed)
    })()
    ;(await ws.connect(listener.url)).abort()
    await turns(20)
    const before = descriptors()
    for (let moment = 0; moment < 30; moment++) {
      const controller = new AbortController()
      const connecting = ws.connect(listener.url, { signal: controller.signal })
      const outcome = connecting.then(
        (channel) => channel.abort(),
        (error) => expect(error).toEqual(code('ABORTED')),
      )
      await turns(moment)
      controller.abort()
      await outcome
    }
    await Promise.all(accepted)
    await vi.waitFor(() => expect(descriptors()).toEqual(before))
  })

  it('headers go along, and wrong ones are the caller’s mistake', async () => {
    const server = createHttp()
    await serve(server)
    const listener = await listen(ANY, { server })
    const requested = once(server, 'upgrade')
    await meet(listener, { headers: { cookie: 'a=b' } })
    expect((await requested)[0].headers.cookie).toBe('a=b')
    await expect(ws.connect(listener.url, { headers: { cookie: 'a\nb' } })).rejects.toThrow(TypeError)
  })
})

/** Waits without a turn of the event loop, so that nothing is read. */
function blockUntil(condition: () => boolean): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  while (!condition()) Atomics.wait(nobody, 0, 0, 5)
}

/** Of all its threads only the first is left, and that is a zombie: its descriptors are closed. */
const isDead = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).length === 1 && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** Bytes that the kernel holds for the connection that was accepted at this port; proc(5). */
function unreadAt(port: string): number {
  const local = `0100007F:${Number(port).toString(16).toUpperCase().padStart(4, '0')} `
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const [, queue = '0'] =
    / 01 [0-9A-F]+:([0-9A-F]+)/.exec(
      lines.find((line) => line.slice(6).startsWith(local) && line.includes(' 01 ')) ?? '',
    ) ?? []
  return Number.parseInt(queue, 16)
}

describe('C7 what lay in the kernel when a write failed', () => {
  it('is handed out', async () => {
    const listener = await listen()
    const peer = fileURLToPath(new URL('support/peer.mjs', import.meta.url))
    const child = spawn(process.execPath, [peer, 'say', listener.url.href], { stdio: 'inherit' })
    const channel = (await listener.accept())!
    await channel.send(utf8('speak'))
    blockUntil(() => unreadAt(listener.url.port) === 20 * (6 + 100))
    child.kill('SIGKILL')
    blockUntil(() => isDead(child.pid!))
    channel.trySend(utf8('it does not know yet'))
    channel.trySend(utf8('now it does'))
    const failure = await channel.send(utf8('x')).catch((error) => error)
    expect(failure).toEqual(code('RESET'))
    for (let index = 0; index < 20; index++)
      expect(await channel.receive()).toEqual(new Uint8Array(100).fill(index))
    expect(await channel.receive().catch((error) => error)).toBe(failure)
  })
})

describe('C6 the clean end', () => {
  it('everything sent arrives although the other side never read and had sent much itself', async () => {
    const [here, there] = await pair()
    while (there.trySend(new Uint8Array(60_000)));
    const sends = Array.from({ length: 200 }, (_, index) => here.send(new Uint8Array(5000).fill(index)))
    const closing = here.close()
    for (let index = 0; index < 200; index++) {
      const message = await there.receive()
      expect(message).toHaveLength(5000)
      expect(message![4999]).toBe(index)
    }
    expect(await there.receive()).toBeUndefined()
    await Promise.all([...sends, closing, there.close()])
    expect(await here.closed).toEqual({ by: 'local' })
    expect(await there.closed).toEqual({ by: 'peer' })
  })

  it('is one for other programs too: 1000, and an abort 1006', async () => {
    for (const clean of [true, false]) {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      const closes = new Promise<number>((resolve) => {
        server.on('connection', (other) => {
          other.on('message', (data, isBinary) => {
            if (!isBinary) other.send(String(data))
          })
          other.on('close', resolve)
        })
      })
      await once(server, 'listening')
      // A mirror greets as one greets it, and answers END with END.
      const channel = await ws.connect(new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`))
      if (clean) await channel.close()
      else channel.abort()
      expect(await closes).toBe(clean ? 1000 : 1006)
      await new Promise((resolve) => server.close(resolve))
    }
  })
})

describe('C11 nothing left', () => {
  it('fifty opens and closes, whichever way, leave the descriptors where they were', async () => {
    const [warm, cold] = await pair()
    await Promise.all([warm.close(), cold.close()])
    await turns(20)
    const before = descriptors()
    for (let round = 0; round < 50; round++) {
      const [here, there] = await pair()
      if (round % 3 === 0) await Promise.all([here.close(), there.close()])
      else {
        const [one, other] = round % 3 === 1 ? [here, there] : [there, here]
        one.abort()
        await other.closed
      }
    }
    await vi.waitFor(() => expect(descriptors()).toEqual(before))
  })

  it('those whom nobody accepted, or who were still greeting, end with the listener', async () => {
    const listener = await listen()
    const waiting = await ws.connect(listener.url)
    const greeting = await Stranger.knock(listener.url)
    const silent = await Stranger.come(listener.url)
    await listener.close()
    expect((await waiting.closed).error).toEqual(code('RESET'))
    await Promise.all([greeting.gone, silent.gone])
  })
})

describe('C13 a listener without a key', () => {
  it('says so, once, with the port it got; one with a key says nothing', async () => {
    vi.resetModules()
    const fresh = (await import('../src/index.js')).ws
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    try {
      await (await fresh.listen(ANY, { key: 'secret' })).close()
      const open = await fresh.listen(ANY)
      const other = await fresh.listen(ANY)
      await turns()
      expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining(open.url.host)])
      expect(warnings[0]).toMatchObject({ code: 'STRAIT_NOT_PRIVATE' })
      await Promise.all([open.close(), other.close()])
    } finally {
      process.off('warning', note)
    }
  })
})

describe('an upgrade that is none', () => {
  it('is told so', async () => {
    const listener = await listen()
    for (const [request, status] of [
      [upgrade('/chat', { 'Sec-WebSocket-Key': 'short' }), 400],
      [upgrade('/chat', { 'Sec-WebSocket-Version': '7' }), 400],
      [upgrade('/chat', { Upgrade: 'chess' }), 400],
      [upgrade('/elsewhere'), 404],
      ['nonsense\r\n\r\n', 400],
    ] as const) {
      const stranger = await Stranger.come(listener.url)
      stranger.write(request)
      await stranger.gone
      expect(stranger.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    }
    await meet(listener)
  })
})
