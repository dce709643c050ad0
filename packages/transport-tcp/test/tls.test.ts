import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectRaw, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { tcp } from '../src/index.js'

const ANY = new URL('tcp://127.0.0.1:0')
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

const directory = mkdtempSync(join(tmpdir(), 'strait-tls-'))
afterAll(() => {
  rmSync(directory, { recursive: true })
})

/** A key and a certificate signed by itself, or undefined where there is no openssl. */
function identity(name: string): { key: Buffer; cert: Buffer } | undefined {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)]
  const { status } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ])
  return status === 0 ? { key: readFileSync(key), cert: readFileSync(cert) } : undefined
}

const server = identity('server')
const client = identity('client')

describe.skipIf(server === undefined || client === undefined)(
  'TLS (needs openssl, to make certificates)',
  () => {
    const serverTls = { ...server! }
    const clientTls = { ca: server?.cert }

    async function pair(options = {}) {
      const listener = await tcp.listen(ANY, { tls: serverTls, ...options })
      const [here, there] = await Promise.all([
        tcp.connect(listener.url, { tls: clientTls, ...options }),
        listener.accept(),
      ])
      await listener.close()
      return [here, there!] as const
    }

    it('carries messages both ways, of every size, and both ends', async () => {
      const [here, there] = await pair()
      for (const [from, to] of [
        [here, there],
        [there, here],
      ] as const) {
        const messages = [0, 1, 100, 16_383, 16_384, 16_385, 65_536, 300_000, 1_048_576].map((size, index) =>
          new Uint8Array(size).fill(index + 1),
        )
        const sends = messages.map((message) => from.send(message))
        for (const message of messages) {
          const received = (await to.receive())!
          expect(Buffer.compare(received, message)).toBe(0)
        }
        await Promise.all(sends)
      }
      await Promise.all([here.close(), there.close()])
      expect(await here.closed).not.toHaveProperty('error')
      expect(await there.closed).not.toHaveProperty('error')
    })

    it('C2 keeps many small messages in order, in both directions at once', async () => {
      const [here, there] = await pair()
      const run = async (from: typeof here, to: typeof here) => {
        const sends: Promise<void>[] = []
        for (let index = 0; index < 5000; index++) sends.push(from.send(utf8(String(index))))
        for (let index = 0; index < 5000; index++) expect(text(await to.receive())).toBe(String(index))
        await Promise.all(sends)
      }
      await Promise.all([run(here, there), run(there, here)])
      await Promise.all([here.close(), there.close()])
    })

    it('C4 is bounded when nobody reads, and loses nothing', async () => {
      const [here, there] = await pair()
      let taken = 0
      for (let refusals = 0; refusals < 100; refusals++) {
        while (here.trySend(new Uint8Array(10_000).fill(taken % 251))) {
          taken++
          refusals = 0
        }
        expect(taken * 10_000).toBeLessThan(64 * 1024 * 1024)
        await turns(1)
      }
      const closing = here.close()
      for (let index = 0; index < taken; index++) expect((await there.receive())![9_999]).toBe(index % 251)
      expect(await there.receive()).toBeUndefined()
      await Promise.all([closing, there.close()])
    })

    it('C13 a key works inside, and a wrong one does not', async () => {
      const [here, there] = await pair({ key: 'secret' })
      await Promise.all([here.close(), there.close()])
      const listener = await tcp.listen(ANY, { tls: serverTls, key: 'secret' })
      await expect(tcp.connect(listener.url, { tls: clientTls, key: 'other' })).rejects.toEqual(
        code('AUTH_FAILED'),
      )
      await expect(tcp.connect(listener.url, { tls: clientTls })).rejects.toEqual(code('AUTH_FAILED'))
      await listener.close()
    })

    it('a certificate of an unknown authority is an error that says so', async () => {
      const listener = await tcp.listen(ANY, { tls: serverTls })
      for (const tls of [{}, { ca: client!.cert }]) {
        const error = await tcp.connect(listener.url, { tls }).catch((error) => error)
        expect(error.code).toMatch(/^ERR_STRAIT_/)
        expect(error.message).toContain(listener.url.href)
        expect(error.message).toMatch(/certificate/)
      }
      const channel = await tcp.connect(listener.url, { tls: clientTls })
      channel.abort()
      await listener.close()
    })

    it('a client certificate can be asked for', async () => {
      const tls = { ...serverTls, requestCert: true, ca: client!.cert }
      const listener = await tcp.listen(ANY, { tls })
      const stranger = await tcp.connect(listener.url, { tls: clientTls }).then(
        (channel) => channel.receive(),
        (error) => error,
      )
      expect(stranger?.code).toMatch(/^ERR_STRAIT_/)
      const accepting = listener.accept()
      const channel = await tcp.connect(listener.url, { tls: { ...clientTls, ...client! } })
      await channel.send(utf8('me'))
      const there = (await accepting)!
      expect(text(await there.receive())).toBe('me')
      await Promise.all([channel.close(), there.close(), listener.close()])
    })

    it('one side without TLS is an error at both, and the listener lives on', async () => {
      const secure = await tcp.listen(ANY, { tls: serverTls })
      const plain = await tcp.listen(ANY)
      for (const [listener, options] of [
        [secure, {}],
        [plain, { tls: clientTls }],
      ] as const) {
        const error = await tcp.connect(listener.url, options).catch((error) => error)
        expect(error.code).toMatch(/^ERR_STRAIT_/)
      }
      for (const [listener, options] of [
        [secure, { tls: clientTls }],
        [plain, {}],
      ] as const) {
        const accepting = listener.accept()
        const channel = await tcp.connect(listener.url, options)
        const there = (await accepting)!
        await Promise.all([channel.close(), there.close(), listener.close()])
      }
    })

    it('a server that never answers ends by the timeout, or by the signal', async () => {
      const sockets: Socket[] = []
      const mute = createServer((socket) => sockets.push(socket.on('error', () => {})))
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
      const url = new URL(`tcp://127.0.0.1:${(mute.address() as { port: number }).port}`)
      await expect(tcp.connect(url, { tls: clientTls, handshakeTimeout: 50 })).rejects.toEqual(
        code('TIMEOUT'),
      )
      const controller = new AbortController()
      const connecting = tcp.connect(url, { tls: clientTls, signal: controller.signal })
      controller.abort()
      await expect(connecting).rejects.toEqual(code('ABORTED'))
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => mute.close(resolve))
    })

    it('strangers that never begin TLS count in the backlog, and close ends them', async () => {
      const listener = await tcp.listen(ANY, { tls: serverTls, backlog: 5 })
      const port = Number(listener.url.port)
      const knock = async () => {
        const socket = connectRaw({ host: '127.0.0.1', port })
        socket.on('error', () => {})
        const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
        await new Promise((resolve) => socket.once('connect', resolve))
        return { socket: socket.resume(), gone }
      }
      const first = []
      for (let i = 0; i < 5; i++) first.push(await knock())
      const second = []
      for (let i = 0; i < 4; i++) second.push(await knock())
      await Promise.all(first.slice(0, 4).map(({ gone }) => gone))
      const accepting = listener.accept()
      const channel = await tcp.connect(listener.url, { tls: clientTls })
      const there = (await accepting)!
      await Promise.all([channel.close(), there.close()])
      const ends = second.map(({ gone }) => gone)
      await listener.close()
      await Promise.all(ends)
    })

    it('C7 a peer that goes away is RESET, behind what had arrived', async () => {
      const [here, there] = await pair()
      await here.send(utf8('last words'))
      expect(text(await there.receive())).toBe('last words')
      here.abort()
      await expect(there.receive()).rejects.toEqual(code('RESET'))
    })

    it('C11 leaves no descriptor', async () => {
      const [warm, cold] = await pair()
      await Promise.all([warm.close(), cold.close()])
      await turns(20)
      const before = descriptors()
      for (let round = 0; round < 3; round++) {
        const [here, there] = await pair()
        await here.send(utf8('x'))
        await there.receive()
        await Promise.all([here.close(), there.close()])
      }
      await turns(20)
      expect(descriptors()).toEqual(before)
    })
  },
)
