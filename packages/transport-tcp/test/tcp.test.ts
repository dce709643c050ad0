import { connect as connectRaw, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, vi } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { tcp } from '../src/index.js'

const ANY = new URL('tcp://127.0.0.1:0')
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const hasIPv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
)

async function pair(url: URL = ANY, options = {}) {
  const listener = await tcp.listen(url, options)
  const [here, there] = await Promise.all([tcp.connect(listener.url, options), listener.accept()])
  await listener.close()
  return [here, there!] as const
}

describe('C10 listening and connecting', () => {
  it('port 0 is replaced in the url, which can be connected to as printed', async () => {
    const listener = await tcp.listen(ANY)
    expect(Number(listener.url.port)).toBeGreaterThan(0)
    const channel = await tcp.connect(new URL(String(listener.url)))
    expect(channel.url.href).toBe(listener.url.href)
    channel.abort()
    await listener.close()
  })

  it('a port in use is ADDRESS_IN_USE, a closed one REFUSED, and free again at once', async () => {
    const listener = await tcp.listen(ANY)
    await expect(tcp.listen(listener.url)).rejects.toEqual(code('ADDRESS_IN_USE'))
    await listener.close()
    await expect(tcp.connect(listener.url)).rejects.toEqual(code('REFUSED'))
    const again = await tcp.listen(listener.url)
    expect(again.url.href).toBe(listener.url.href)
    await again.close()
  })

  it('an address that is not of this machine is ADDRESS_INVALID', async () => {
    await expect(tcp.listen(new URL('tcp://192.0.2.1:0'))).rejects.toEqual(code('ADDRESS_INVALID'))
  })

  it.skipIf(!hasIPv6)('IPv6 (where there is a loopback for it)', async () => {
    const [here, there] = await pair(new URL('tcp://[::1]:0'))
    await here.send(utf8('six'))
    expect(text(await there.receive())).toBe('six')
    await Promise.all([here.close(), there.close()])
  })

  it('an aborted listen leaves no listener', async () => {
    await expect(tcp.listen(ANY, { signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    const before = descriptors()
    const controller = new AbortController()
    const listening = tcp.listen(ANY, { signal: controller.signal })
    controller.abort()
    await expect(listening).rejects.toEqual(code('ABORTED'))
    await turns(20)
    expect(descriptors()).toEqual(before)
  })

  it('a server of somebody else is CORRUPT, a mute one TIMEOUT, one that hangs up REFUSED', async () => {
    const behaviours: [(socket: Socket) => void, string][] = [
      [(socket) => socket.write('220 mail.example ESMTP\r\n'), 'CORRUPT'],
      [() => {}, 'TIMEOUT'],
      [(socket) => socket.destroy(), 'REFUSED'],
    ]
    for (const [behave, expected] of behaviours) {
      const sockets: Socket[] = []
      const server = createServer((socket) => {
        sockets.push(socket.on('error', () => {}))
        behave(socket)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as { port: number }
      const url = new URL(`tcp://127.0.0.1:${port}`)
      await expect(tcp.connect(url, { handshakeTimeout: 100 })).rejects.toEqual(code(expected))
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
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
})

describe('C11 nothing left', () => {
  it('no descriptor stays, whichever way it ends', async () => {
    const [warm, cold] = await pair()
    await Promise.all([warm.close(), cold.close()])
    await turns(20)
    const before = descriptors()
    for (const end of ['close', 'abort', 'refused', 'key'] as const) {
      if (end === 'refused') {
        await tcp.connect(new URL('tcp://127.0.0.1:1')).catch(() => {})
      } else if (end === 'key') {
        const listener = await tcp.listen(ANY, { key: 'a' })
        await tcp.connect(listener.url, { key: 'b' }).catch(() => {})
        await listener.close()
      } else {
        const [here, there] = await pair()
        if (end === 'close') await Promise.all([here.close(), there.close()])
        else {
          here.abort()
          await there.closed
        }
      }
      await turns(20)
      expect(descriptors()).toEqual(before)
    }
  })
})

describe('C13 a listener without a key', () => {
  it('says so, once, with the port it got; one with a key says nothing', async () => {
    vi.resetModules()
    const fresh = (await import('../src/index.js')).tcp
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

describe('no delay', () => {
  it('is set on both ends, so that a small message never waits for an acknowledgement', async () => {
    // The one place that both ends pass: the handle below the socket.
    const probe = connectRaw({ host: '127.0.0.1', port: 1 }).on('error', () => {})
    const handle = Object.getPrototypeOf((probe as unknown as { _handle: object })._handle)
    const setNoDelay = vi.spyOn(handle, 'setNoDelay' as never)
    try {
      const [here, there] = await pair()
      expect(setNoDelay.mock.calls).toEqual([[true], [true]])
      await Promise.all([here.close(), there.close()])
    } finally {
      setNoDelay.mockRestore()
    }
  })
})
