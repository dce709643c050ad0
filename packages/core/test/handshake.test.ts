import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { ChannelOptions } from '../src/channel.js'
import { framed } from '../src/framed.js'
import { checkOptions, type Role } from '../src/handshake.js'
import { join, preface, ScriptedBytes, url } from './support/bytes.js'
import { settled, utf8 } from './support/link.js'

const KEYED = 1

/** One end that greets; the test is the other. */
function greet(role: Role, options: ChannelOptions) {
  const bytes = new ScriptedBytes()
  const result = framed(bytes, role, url, options).then(
    () => 'agreed',
    (error) => {
      expect(bytes.destroyed).toBe(1)
      return error.code
    },
  )
  return { bytes, result, sent: () => join(...bytes.left) }
}

const proof = (key: string, role: Role, connecting: Uint8Array, listening: Uint8Array): Uint8Array =>
  new Uint8Array(
    createHmac('sha256', key).update(`strait 1 ${role}`).update(connecting).update(listening).digest(),
  )

const keyedPreface = () => preface({ flags: KEYED, nonce: new Uint8Array(randomBytes(32)) })

/** Two ends whose bytes go to each other. */
async function between(connecting: ChannelOptions, listening: ChannelOptions): Promise<[string, string]> {
  const a = greet('connect', connecting)
  const b = greet('listen', listening)
  const ends = [a, b] as const
  let over = 0
  const results = ends.map(({ result }) => result.finally(() => over++))
  for (let turn = 0; over < 2 && turn < 2000; turn++) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const pieces = from.bytes.left.splice(0)
      to.bytes.deliver(...pieces)
      if (from.bytes.destroyed > 0) to.bytes.end()
    }
    await settled()
  }
  return (await Promise.all(results)) as [string, string]
}

describe('C13 the key', () => {
  it('the same on both sides, as text or as its bytes', async () => {
    expect(await between({ key: 'sécret' }, { key: utf8('sécret') })).toEqual(['agreed', 'agreed'])
  })

  it('another one is AUTH_FAILED on both sides', async () => {
    const failed = ['ERR_STRAIT_AUTH_FAILED', 'ERR_STRAIT_AUTH_FAILED']
    expect(await between({ key: 'a' }, { key: 'b' })).toEqual(failed)
    expect(await between({ key: 'a' }, {})).toEqual(failed)
    expect(await between({}, { key: 'b' })).toEqual(failed)
  })

  it('is no prefix, no extension and no other case', async () => {
    for (const key of ['secre', 'secrets', 'Secret'])
      expect((await between({ key }, { key: 'secret' }))[1]).toBe('ERR_STRAIT_AUTH_FAILED')
  })

  it('an empty one is a RangeError', () => {
    expect(() => checkOptions({ key: '' })).toThrow(RangeError)
    expect(() => checkOptions({ key: new Uint8Array(0) })).toThrow(RangeError)
  })

  it('a right proof opens, one computed by somebody who knows the wire format only', async () => {
    const { bytes, result, sent } = greet('listen', { key: 'secret' })
    const mine = keyedPreface()
    bytes.deliver(mine, proof('secret', 'connect', mine, sent()))
    expect(await result).toBe('agreed')
    const theirs = sent()
    expect(theirs.slice(48)).toEqual(proof('secret', 'listen', mine, theirs.slice(0, 48)))
  })

  it('a listener tells a stranger nothing: its proof stays until the stranger has proved', async () => {
    const { bytes, result, sent } = greet('listen', { key: 'secret' })
    const mine = keyedPreface()
    bytes.deliver(mine, new Uint8Array(32))
    expect(await result).toBe('ERR_STRAIT_AUTH_FAILED')
    expect(sent()).toHaveLength(48)
  })

  it.each(Array.from({ length: 8 }, (_, index) => index * 4 + (index % 4)))(
    'a proof with one bit of byte %i turned is refused',
    async (at) => {
      const { bytes, result, sent } = greet('listen', { key: 'secret' })
      const mine = keyedPreface()
      const wrong = proof('secret', 'connect', mine, sent())
      wrong[at]! ^= 0x10
      bytes.deliver(mine, wrong)
      expect(await result).toBe('ERR_STRAIT_AUTH_FAILED')
    },
  )

  it('a reflected greeting and proof are refused', async () => {
    const { bytes, result, sent } = greet('connect', { key: 'secret' })
    bytes.deliver(sent().slice(0, 48))
    while (sent().length < 80) await settled()
    bytes.deliver(sent().slice(48))
    expect(await result).toBe('ERR_STRAIT_AUTH_FAILED')
  })

  it('a proof of the other role is refused', async () => {
    const { bytes, result, sent } = greet('listen', { key: 'secret' })
    const mine = keyedPreface()
    bytes.deliver(mine, proof('secret', 'listen', mine, sent()))
    expect(await result).toBe('ERR_STRAIT_AUTH_FAILED')
  })

  it('a replayed transcript is refused', async () => {
    const first = greet('listen', { key: 'secret' })
    const mine = keyedPreface()
    const recorded = join(mine, proof('secret', 'connect', mine, first.sent()))
    first.bytes.deliver(recorded)
    expect(await first.result).toBe('agreed')
    const second = greet('listen', { key: 'secret' })
    second.bytes.deliver(recorded)
    expect(await second.result).toBe('ERR_STRAIT_AUTH_FAILED')
  })

  it('every greeting has a nonce of its own', () => {
    const nonces = new Set<string>()
    for (let i = 0; i < 50; i++) {
      const { sent, result } = greet('listen', { key: 'secret', handshakeTimeout: 1 })
      void result
      nonces.add(Buffer.from(sent().slice(16)).toString('hex'))
    }
    expect(nonces.size).toBe(50)
  })

  it('the limits that were said are part of what is proved', async () => {
    const { bytes, result, sent } = greet('listen', { key: 'secret' })
    const mine = keyedPreface()
    const right = proof('secret', 'connect', mine, sent())
    const changed = mine.slice()
    changed[8] = 1
    bytes.deliver(changed, right)
    expect(await result).toBe('ERR_STRAIT_AUTH_FAILED')
  })

  it('a hang-up in the middle of nonce or proof is TRUNCATED', async () => {
    for (const cut of [17, 47, 49, 79]) {
      const { bytes, result, sent } = greet('listen', { key: 'secret' })
      const mine = keyedPreface()
      bytes.deliver(join(mine, proof('secret', 'connect', mine, sent())).slice(0, cut))
      await settled()
      bytes.end()
      expect(await result).toBe('ERR_STRAIT_TRUNCATED')
    }
  })
})

describe('a greeting that is none', () => {
  it.each([
    ['garbage', utf8('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'CORRUPT'],
    ['zeros', new Uint8Array(64), 'CORRUPT'],
    ['nearly ours', join(utf8('STRAIN'), preface().slice(6)), 'CORRUPT'],
    ['small letters', join(utf8('strait'), preface().slice(6)), 'CORRUPT'],
    ['another version', preface({ version: 2 }), 'NOT_SUPPORTED'],
    ['version 0', preface({ version: 0 }), 'NOT_SUPPORTED'],
    ['an unknown flag', preface({ flags: 2 }), 'CORRUPT'],
    ['every flag', preface({ flags: 255 }), 'CORRUPT'],
  ])('%s', async (_, greeting, code) => {
    for (const role of ['connect', 'listen'] as const) {
      const { bytes, result } = greet(role, {})
      bytes.deliver(greeting)
      expect(await result).toBe(`ERR_STRAIT_${code}`)
    }
  })

  it('anything in the reserved bytes is CORRUPT', async () => {
    for (const at of [12, 13, 14, 15]) {
      const { bytes, result } = greet('listen', {})
      const greeting = preface()
      greeting[at] = 1
      bytes.deliver(greeting)
      expect(await result).toBe('ERR_STRAIT_CORRUPT')
    }
  })

  it('garbage is known for garbage wherever it is cut', async () => {
    const garbage = utf8('not Strait at all')
    for (let cut = 1; cut < garbage.length; cut++) {
      const { bytes, result } = greet('listen', {})
      bytes.deliver(garbage.slice(0, cut), garbage.slice(cut))
      expect(await result).toBe('ERR_STRAIT_CORRUPT')
    }
  })

  it('a greeting cut anywhere is TRUNCATED, none at all REFUSED', async () => {
    const greeting = preface()
    for (let cut = 0; cut < greeting.length; cut++) {
      const { bytes, result } = greet('connect', {})
      if (cut > 0) bytes.deliver(greeting.slice(0, cut))
      bytes.end()
      expect(await result).toBe(cut === 0 ? 'ERR_STRAIT_REFUSED' : 'ERR_STRAIT_TRUNCATED')
    }
  })
})

/** How far the other side may get before it falls silent. */
const PHASES: [string, ChannelOptions, () => Uint8Array][] = [
  ['before the greeting', {}, () => new Uint8Array(0)],
  ['in the middle of the greeting', {}, () => preface().slice(0, 9)],
  ['before the nonce', { key: 'k' }, () => preface({ flags: KEYED })],
  ['in the middle of the nonce', { key: 'k' }, () => keyedPreface().slice(0, 30)],
  ['before the proof', { key: 'k' }, keyedPreface],
  ['in the middle of the proof', { key: 'k' }, () => join(keyedPreface(), new Uint8Array(31))],
]

describe.each(PHASES)('silence %s', (_, options, said) => {
  it.each(['connect', 'listen'] as const)('ends by the timeout: %s', async (role) => {
    const { bytes, result } = greet(role, { ...options, handshakeTimeout: 30 })
    if (said().length > 0) bytes.deliver(said())
    expect(await result).toBe('ERR_STRAIT_TIMEOUT')
  })

  it.each(['connect', 'listen'] as const)('ends by the signal: %s', async (role) => {
    const controller = new AbortController()
    const { bytes, result } = greet(role, { ...options, signal: controller.signal })
    if (said().length > 0) bytes.deliver(said())
    await settled()
    controller.abort()
    expect(await result).toBe('ERR_STRAIT_ABORTED')
  })
})

it('a handshake that is given up while it computes a proof does not send it any more', async () => {
  let prove!: (proof: ArrayBuffer) => void
  const proving = new Promise<ArrayBuffer>((resolve) => {
    prove = resolve
  })
  const begun = new Promise<void>((resolve) => {
    vi.spyOn(crypto.subtle, 'sign').mockImplementationOnce(() => {
      resolve()
      return proving
    })
  })
  const controller = new AbortController()
  const { bytes, result } = greet('connect', { key: 'k', signal: controller.signal })
  bytes.deliver(keyedPreface())
  await begun
  controller.abort()
  expect(await result).toBe('ERR_STRAIT_ABORTED')
  prove(new ArrayBuffer(32))
  await settled()
  // The preface, and no proof: the mechanism is destroyed.
  expect(bytes.left).toHaveLength(1)
})

describe('options that a program got wrong', () => {
  it.each([
    { maxMessageSize: -1 },
    { maxMessageSize: 1.5 },
    { maxMessageSize: Number.NaN },
    { maxMessageSize: 1024 ** 3 + 1 },
    { handshakeTimeout: 0 },
    { handshakeTimeout: -1 },
    { handshakeTimeout: Number.NaN },
    { handshakeTimeout: 2 ** 31 },
    { idleTimeout: 0 },
    { idleTimeout: Number.POSITIVE_INFINITY },
    { backlog: -1 },
    { backlog: Number.NaN },
    { backlog: 1.5 },
  ])('%o is a RangeError', (options) => {
    expect(() => checkOptions(options)).toThrow(RangeError)
  })

  it.each([
    {},
    { maxMessageSize: 0 },
    { maxMessageSize: 1024 ** 3 },
    { handshakeTimeout: 0.5 },
    { idleTimeout: 1 },
  ])('%o is none', (options) => {
    checkOptions(options)
  })
})
