import { describe, expect, it, vi } from 'vitest'
import { credited, WINDOW } from '../src/credit.js'
import { StraitError } from '../src/error.js'
import { Kind, readUint32, writeUint32 } from '../src/frame.js'
import { preface, url, Witness } from './support/bytes.js'
import { creditedLink, ScriptedPort } from './support/port.js'
import { pattern } from './support/random.js'

const grant = (bytes: number) => {
  const payload = new Uint8Array(4)
  writeUint32(payload, 0, bytes)
  return payload
}

const codes = (witness: Witness) => witness.ends.map((error) => error?.code)

describe('C4 the window', () => {
  it('closes when nobody reads: a bounded number of bytes, and of empty messages', async () => {
    for (const size of [0, 1, 1000, 60_000]) {
      const { port, link } = await creditedLink()
      while (link.write(new Uint8Array(size)));
      const bytes = port.of(Kind.DATA).reduce((sum, { length }) => sum + length, 0)
      expect(bytes).toBeLessThanOrEqual(WINDOW + size)
      expect(port.of(Kind.DATA).length).toBeLessThanOrEqual(WINDOW)
      port.left()
      expect(link.write(new Uint8Array(0))).toBe(false)
    }
  })

  it('lets one message of any allowed size through', async () => {
    const { port, link } = await creditedLink()
    expect(link.write(new Uint8Array(4 * WINDOW))).toBe(true)
    expect(link.write(new Uint8Array(0))).toBe(false)
    expect(port.of(Kind.DATA)).toHaveLength(1)
  })

  it('opens again with a grant, and says so', async () => {
    const { port, link } = await creditedLink()
    const witness = new Witness(link)
    while (link.write(new Uint8Array(1000)));
    port.left()
    const before = witness.writables
    port.events.unit(Kind.CREDIT, grant(10_000))
    expect(witness.writables).toBeGreaterThan(before)
    expect(link.write(new Uint8Array(1000))).toBe(true)
  })

  it('a sender and a receiver agree on every byte of it', async () => {
    const a = await creditedLink()
    const b = await creditedLink()
    const witness = new Witness(b.link)
    let sent = 0
    for (let round = 0; round < 50; round++) {
      while (a.link.write(pattern((sent * 37) % 5000, sent))) sent++
      for (const { kind, payload } of a.port.posted.splice(0)) b.port.events.unit(kind, payload)
      a.port.left()
      for (const { kind, payload } of b.port.posted.splice(0)) a.port.events.unit(kind, payload)
      b.port.left()
    }
    expect(witness.ends).toEqual([])
    expect(witness.messages).toHaveLength(sent)
    expect(sent).toBeGreaterThan(1000)
  })

  it('nothing is granted while nobody reads, and all of it when everything is read', async () => {
    const { port, link } = await creditedLink()
    for (let i = 0; i < 8; i++) port.events.unit(Kind.DATA, new Uint8Array(32_000))
    expect(port.of(Kind.CREDIT)).toEqual([])
    for (let i = 0; i < 8; i++) expect(link.read()).toHaveLength(32_000)
    const granted = port.of(Kind.CREDIT).reduce((sum, payload) => sum + readUint32(payload, 0), 0)
    expect(granted).toBeGreaterThan(WINDOW / 2)
    expect(link.read()).toBeUndefined()
  })

  it('who sends more than was granted is CORRUPT, behind what was within it', async () => {
    const { port, link } = await creditedLink()
    let accepted = 0
    for (let i = 0; i < 10_000; i++) port.events.unit(Kind.DATA, new Uint8Array(1000))
    const witness = new Witness(link)
    accepted = witness.messages.length
    expect(codes(witness)).toEqual(['ERR_STRAIT_CORRUPT'])
    expect(accepted * 1000).toBeLessThanOrEqual(WINDOW)
    expect(accepted).toBeGreaterThan(200)
  })

  it.each([1, 1000, 2 ** 31, 2 ** 32 - 1])(
    'who grants %i bytes that it never got is CORRUPT',
    async (bytes) => {
      const { port, link } = await creditedLink()
      const witness = new Witness(link)
      port.events.unit(Kind.CREDIT, grant(bytes))
      expect(codes(witness)).toEqual(['ERR_STRAIT_CORRUPT'])
    },
  )
})

describe('C7 a misbehaving peer', () => {
  it.each([
    ['END with a payload', Kind.END, 1],
    ['PING with a payload', Kind.PING, 1],
    ['PONG with a payload', Kind.PONG, 1],
    ['a short grant', Kind.CREDIT, 3],
    ['a long grant', Kind.CREDIT, 5],
    ['a second greeting', Kind.HELLO, 16],
    ['an unknown kind', 99, 0],
    ['no kind', Number.NaN, 0],
    ['a negative kind', -1, 0],
  ])('%s is CORRUPT, behind what had arrived', async (_, kind, length) => {
    const { port, link } = await creditedLink()
    port.events.unit(Kind.DATA, pattern(3, 3))
    port.events.unit(kind, new Uint8Array(length))
    port.events.unit(Kind.DATA, pattern(4, 4))
    const witness = new Witness(link)
    expect(witness.messages).toEqual([pattern(3, 3)])
    expect(codes(witness)).toEqual(['ERR_STRAIT_CORRUPT'])
  })

  it('a message over the limit is TOO_LARGE', async () => {
    const { port, link } = await creditedLink({ maxMessageSize: 10 })
    const witness = new Witness(link)
    port.events.unit(Kind.DATA, new Uint8Array(10))
    port.events.unit(Kind.DATA, new Uint8Array(11))
    expect(witness.messages).toHaveLength(1)
    expect(codes(witness)).toEqual(['ERR_STRAIT_TOO_LARGE'])
  })

  it('END is the clean end, and nothing behind it counts', async () => {
    const { port, link } = await creditedLink()
    const witness = new Witness(link)
    port.events.unit(Kind.DATA, pattern(1, 1))
    port.events.unit(Kind.END, new Uint8Array(0))
    port.events.unit(Kind.DATA, pattern(2, 2))
    port.events.unit(99, new Uint8Array(0))
    port.events.end()
    expect(witness.messages).toEqual([pattern(1, 1)])
    expect(witness.ends).toEqual([undefined])
  })

  it('a hang-up is RESET, behind what had arrived', async () => {
    const { port, link } = await creditedLink()
    port.events.unit(Kind.DATA, pattern(1, 1))
    port.events.end()
    const witness = new Witness(link)
    expect(witness.messages).toEqual([pattern(1, 1)])
    expect(codes(witness)).toEqual(['ERR_STRAIT_RESET'])
  })

  it('a hang-up ends sends although messages are unread', async () => {
    const { port, link } = await creditedLink()
    while (link.write(new Uint8Array(1000)));
    port.events.unit(Kind.DATA, pattern(1, 1))
    const failures: StraitError[] = []
    link.events = { readable() {}, writable() {}, end() {}, fail: (error) => failures.push(error) }
    port.events.end()
    expect(failures.map(({ code }) => code)).toEqual(['ERR_STRAIT_RESET'])
    expect(link.read()).toEqual(pattern(1, 1))
  })
})

describe('C6 shutdown', () => {
  it('posts END behind everything and resolves when it has left', async () => {
    const { port, link } = await creditedLink()
    link.write(pattern(1, 1))
    let left = false
    const shutdown = link.shutdown().then(() => {
      left = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(left).toBe(false)
    expect(port.posted.map(({ kind }) => kind)).toEqual([Kind.DATA, Kind.END])
    port.left()
    await shutdown
  })

  it('resolves when the port breaks instead', async () => {
    const { port, link } = await creditedLink()
    const witness = new Witness(link)
    const shutdown = link.shutdown()
    port.events.fail(new StraitError('RESET', 'broken', { operation: 'send' }))
    await shutdown
    expect(witness.failures).toHaveLength(1)
  })
})

describe('the greeting over a port', () => {
  it('may come in pieces, with messages close behind', async () => {
    const port = new ScriptedPort()
    const linking = credited(port, 'listen', url, {})
    const greeting = preface()
    for (const byte of greeting) port.events.unit(Kind.HELLO, Uint8Array.of(byte))
    port.events.unit(Kind.DATA, pattern(1, 1))
    port.events.unit(Kind.END, new Uint8Array(0))
    const witness = new Witness(await linking)
    expect(witness.messages).toEqual([pattern(1, 1)])
    expect(witness.ends).toEqual([undefined])
  })

  it('a whole window of empty messages may stand behind it', async () => {
    const sender = await creditedLink()
    while (sender.link.write(new Uint8Array(0)));
    const port = new ScriptedPort()
    const linking = credited(port, 'listen', url, {})
    port.events.unit(Kind.HELLO, preface())
    for (const { kind, payload } of sender.port.posted) port.events.unit(kind, payload)
    const witness = new Witness(await linking)
    expect(witness.messages).toHaveLength(sender.port.posted.length)
    expect(witness.messages.length).toBeGreaterThan(1024)
    expect(witness.ends).toEqual([])
  })

  it('messages before it are CORRUPT', async () => {
    const port = new ScriptedPort()
    const linking = credited(port, 'listen', url, {})
    port.events.unit(Kind.DATA, new Uint8Array(0))
    await expect(linking).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
    expect(port.destroyed).toBeGreaterThan(0)
  })

  it('garbage is CORRUPT, a hang-up REFUSED, half a greeting and then nothing TIMEOUT', async () => {
    const make = () => {
      const port = new ScriptedPort()
      return { port, linking: credited(port, 'connect', url, { handshakeTimeout: 20 }) }
    }
    const garbage = make()
    garbage.port.events.unit(Kind.HELLO, new Uint8Array(16))
    await expect(garbage.linking).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
    const gone = make()
    gone.port.events.end()
    await expect(gone.linking).rejects.toMatchObject({ code: 'ERR_STRAIT_REFUSED' })
    const half = make()
    half.port.events.unit(Kind.HELLO, preface().slice(0, 9))
    await expect(half.linking).rejects.toMatchObject({ code: 'ERR_STRAIT_TIMEOUT' })
  })

  it('a flood before it, or beside it, is bounded', async () => {
    const port = new ScriptedPort()
    const linking = credited(port, 'listen', url, { key: 'secret' })
    linking.catch(() => {})
    port.events.unit(Kind.HELLO, preface({ flags: 1, nonce: new Uint8Array(32) }))
    const { unit } = port.events
    let delivered = 0
    while (port.destroyed === 0 && delivered < 100_000) {
      unit(Kind.DATA, new Uint8Array(100))
      delivered++
    }
    expect(port.destroyed).toBe(1)
    expect(delivered * 100).toBeLessThanOrEqual(2 * WINDOW)
    await expect(linking).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
  })
})

describe('C14 idle', () => {
  it('a silent peer is pinged once, then given up; one that answers lives', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const { port, link } = await creditedLink({ idleTimeout: 1000 })
      const witness = new Witness(link)
      for (let round = 0; round < 5; round++) {
        vi.advanceTimersByTime(2000)
        expect(witness.ends).toEqual([])
        port.events.unit(Kind.PONG, new Uint8Array(0))
      }
      expect(port.of(Kind.PING).length).toBeGreaterThan(1)
      vi.advanceTimersByTime(3000)
      expect(codes(witness)).toEqual(['ERR_STRAIT_TIMEOUT'])
      link.destroy()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('C13 a hostile peer', () => {
  it('that pings and does not read gets one PONG at a time', async () => {
    const { port } = await creditedLink()
    for (let ping = 0; ping < 1000; ping++) port.events.unit(Kind.PING, new Uint8Array(0))
    expect(port.of(Kind.PONG)).toHaveLength(1)
    port.left()
    port.events.unit(Kind.PING, new Uint8Array(0))
    expect(port.of(Kind.PONG)).toHaveLength(2)
  })

  it('that misbehaves before it has greeted is CORRUPT, not somebody who hung up', async () => {
    const port = new ScriptedPort()
    const linking = credited(port, 'connect', url, {})
    port.events.end(new StraitError('TOO_LARGE', 'a message over the limit', { operation: 'receive', url }))
    await expect(linking).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
  })
})
