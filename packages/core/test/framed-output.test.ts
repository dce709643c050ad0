import { describe, expect, it } from 'vitest'
import { StraitError } from '../src/error.js'
import { HEADER_SIZE, Kind, readUint32 } from '../src/frame.js'
import { framed } from '../src/framed.js'
import type { Link } from '../src/link.js'
import { frame, greeted, join, preface, ScriptedBytes, url, Witness } from './support/bytes.js'
import { pattern, random } from './support/random.js'

/** The frames in what has left. */
function frames(bytes: ScriptedBytes): { kind: number; payload: Uint8Array }[] {
  const stream = join(...bytes.left)
  const found = []
  for (let at = 0; at < stream.length; ) {
    const length = readUint32(stream, at + 4)
    found.push({ kind: stream[at]!, payload: stream.slice(at + HEADER_SIZE, at + HEADER_SIZE + length) })
    at += HEADER_SIZE + length
  }
  return found
}

const kinds = (bytes: ScriptedBytes) => frames(bytes).map(({ kind }) => kind)
const data = (bytes: ScriptedBytes) =>
  frames(bytes)
    .filter(({ kind }) => kind === Kind.DATA)
    .map(({ payload }) => payload)

const microtasks = () => new Promise((resolve) => setImmediate(resolve))

describe('C2 what is written leaves in order', () => {
  it('the first message of a turn at once, those behind it together', async () => {
    const { bytes, link } = await greeted()
    for (let seed = 0; seed < 10; seed++) expect(link.write(pattern(10, seed))).toBe(true)
    expect(bytes.left).toHaveLength(1)
    expect(link.pending).toBeGreaterThan(0)
    await microtasks()
    expect(bytes.left).toHaveLength(2)
    expect(link.pending).toBe(0)
    expect(data(bytes)).toEqual(Array.from({ length: 10 }, (_, seed) => pattern(10, seed)))
  })

  it('the caller’s array is the caller’s again when write returns', async () => {
    const { bytes, link } = await greeted()
    const message = pattern(100, 1)
    link.write(message)
    link.write(message)
    message.fill(0)
    await microtasks()
    expect(data(bytes)).toEqual([pattern(100, 1), pattern(100, 1)])
  })

  it('whatever the stream refuses, at any point: nothing is lost, changed or counted wrongly', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed)
      const { bytes, link } = await greeted()
      const witness = new Witness(link)
      bytes.accept = () => next() < 0.5
      const sizes = [0, 1, 7, 8, 9, 100, 1000, 30_000, 65_528, 65_529]
      const messages = Array.from({ length: 40 }, (_, index) =>
        pattern(sizes[Math.floor(next() * sizes.length)]!, index),
      )
      let taken = 0
      let ended: Promise<void> | undefined
      let hasLeft = false
      for (let step = 0; step < 5_000 && !hasLeft; step++) {
        const move = next()
        if (move < 0.5 && taken < messages.length) {
          if (link.write(messages[taken]!, next() < 0.5)) taken++
        } else if (move < 0.7) {
          if (bytes.busy) bytes.release()
        } else if (move < 0.75) {
          bytes.deliver(frame(Kind.PING))
        } else if (taken === messages.length && ended === undefined) {
          ended = link.shutdown()
          void ended.then(() => {
            hasLeft = true
          })
        } else {
          await Promise.resolve()
        }
        if (step % 32 === 0) expect(link.pending).toBe(taken - data(bytes).length)
      }
      await ended
      expect(data(bytes)).toHaveLength(messages.length)
      data(bytes).forEach((payload, index) => {
        expect(Buffer.compare(payload, messages[index]!)).toBe(0)
      })
      expect(link.pending).toBe(0)
      expect(kinds(bytes).filter((kind) => kind === Kind.END)).toHaveLength(1)
      expect(witness.failures).toEqual([])
    }
  })

  it('a lent message that pushes those before it out is followed by writable for them', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    link.write(pattern(10, 0))
    link.write(pattern(10, 1))
    expect(link.pending).toBe(1)
    const before = witness.writables
    link.write(pattern(20_000, 2), true)
    expect(link.pending).toBe(0)
    await microtasks()
    expect(witness.writables).toBeGreaterThan(before)
    expect(data(bytes)).toEqual([pattern(10, 0), pattern(10, 1), pattern(20_000, 2)])
  })

  it('a lent message leaves uncopied, and is not touched while it leaves', async () => {
    const { bytes, link } = await greeted()
    bytes.accept = () => false
    const message = pattern(20_000, 1)
    expect(link.write(message, true)).toBe(true)
    expect(link.pending).toBe(1)
    message[0]! ^= 1
    expect(() => bytes.release()).toThrow('changed while it was leaving')
  })

  it('a refused write is followed by writable', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    bytes.accept = () => false
    expect(link.write(pattern(10, 1))).toBe(true)
    expect(link.pending).toBe(1)
    expect(link.write(pattern(10, 2))).toBe(false)
    const before = witness.writables
    bytes.release()
    expect(witness.writables).toBe(before + 1)
    expect(link.pending).toBe(0)
    expect(link.write(pattern(10, 2))).toBe(true)
  })

  it('C4 a stream that takes nothing makes write return false', async () => {
    const { bytes, link } = await greeted()
    bytes.accept = () => false
    let taken = 0
    while (link.write(new Uint8Array(1000))) taken++
    expect(taken).toBe(1)
    await microtasks()
    expect(link.write(new Uint8Array(0))).toBe(false)
  })
})

describe('C6 the end leaves behind everything', () => {
  it('once, and shutdown resolves when it has left', async () => {
    const { bytes, link } = await greeted()
    link.write(pattern(10, 1))
    link.write(pattern(10, 2))
    await link.shutdown()
    expect(kinds(bytes)).toEqual([Kind.DATA, Kind.DATA, Kind.END])
  })

  it('also when the stream is busy', async () => {
    const { bytes, link } = await greeted()
    bytes.accept = () => false
    link.write(pattern(10, 1))
    let left = false
    const shutdown = link.shutdown().then(() => {
      left = true
    })
    await microtasks()
    expect(left).toBe(false)
    bytes.release()
    await microtasks()
    expect(left).toBe(false)
    bytes.release()
    await shutdown
    expect(kinds(bytes)).toEqual([Kind.DATA, Kind.END])
  })

  it('a PING that comes while END is leaving neither delays it nor puts anything behind it', async () => {
    const { bytes, link } = await greeted()
    new Witness(link)
    bytes.accept = () => false
    const shutdown = link.shutdown()
    bytes.deliver(frame(Kind.PING))
    bytes.accept = () => true
    bytes.release()
    await shutdown
    expect(kinds(bytes)).toEqual([Kind.END])
  })

  it('a PING that comes after END has left is not answered', async () => {
    const { bytes, link } = await greeted()
    new Witness(link)
    await link.shutdown()
    bytes.deliver(frame(Kind.PING))
    await microtasks()
    expect(kinds(bytes)).toEqual([Kind.END])
  })

  it('shutdown resolves when the stream breaks or the link is destroyed instead', async () => {
    for (const act of ['fail', 'destroy'] as const) {
      const { bytes, link } = await greeted()
      const witness = new Witness(link)
      bytes.accept = () => false
      link.write(pattern(10, 1))
      const shutdown = link.shutdown()
      if (act === 'fail') bytes.fail(new StraitError('RESET', 'broken', { operation: 'send' }))
      else link.destroy()
      await shutdown
      expect(witness.failures).toHaveLength(act === 'fail' ? 1 : 0)
    }
  })
})

describe('C7 a broken stream', () => {
  it('takes nothing more, and what arrived can still be read', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    bytes.fail(new StraitError('RESET', 'broken', { operation: 'send' }))
    expect(witness.failures.map(({ code }) => code)).toEqual(['ERR_STRAIT_RESET'])
    expect(link.write(pattern(1, 1))).toBe(false)
    bytes.deliver(frame(Kind.DATA, pattern(9, 1)), frame(Kind.END))
    expect(witness.messages).toEqual([pattern(9, 1)])
    expect(witness.ends).toEqual([undefined])
    expect(bytes.left).toEqual([])
  })
})

describe('C14 a PING', () => {
  it('is answered with one PONG', async () => {
    const { bytes, link } = await greeted()
    new Witness(link)
    bytes.deliver(frame(Kind.PING))
    await microtasks()
    expect(kinds(bytes)).toEqual([Kind.PONG])
  })

  it('is answered once when many come while nothing can leave', async () => {
    const { bytes, link } = await greeted()
    new Witness(link)
    bytes.accept = () => false
    link.write(pattern(5, 5))
    for (let i = 0; i < 1000; i++) bytes.deliver(frame(Kind.PING))
    bytes.accept = () => true
    bytes.release()
    await microtasks()
    expect(kinds(bytes)).toEqual([Kind.DATA, Kind.PONG])
  })

  it('gets no answer when nobody reads, and a PONG is nothing to the reader', async () => {
    const { bytes, link } = await greeted()
    bytes.deliver(frame(Kind.PING))
    expect(bytes.left).toEqual([])
    bytes.deliver(frame(Kind.PONG), frame(Kind.DATA, pattern(1, 1)))
    expect(link.read()).toEqual(pattern(1, 1))
    expect(kinds(bytes)).toEqual([Kind.PONG])
  })
})

describe('C2 the greeting and the first messages', () => {
  function busyGreeting(): { bytes: ScriptedBytes; linking: Promise<Link> } {
    const bytes = new ScriptedBytes()
    bytes.accept = () => false
    const linking = framed(bytes, 'connect', url, {})
    bytes.deliver(preface())
    return { bytes, linking }
  }

  it('a message leaves behind the greeting, however slowly that leaves', async () => {
    const { bytes, linking } = busyGreeting()
    await microtasks()
    bytes.accept = () => true
    bytes.release()
    const link = await linking
    expect(link.write(pattern(10, 1))).toBe(true)
    expect(link.pending).toBe(0)
    expect(join(...bytes.left)).toEqual(join(preface(), frame(Kind.DATA, pattern(10, 1))))
  })

  it('so does the end', async () => {
    const { bytes, linking } = busyGreeting()
    await microtasks()
    bytes.release()
    const shutdown = linking.then((link) => link.shutdown())
    await microtasks()
    bytes.release()
    await shutdown
    expect(join(...bytes.left)).toEqual(join(preface(), frame(Kind.END)))
  })

  it('a message that comes before our own greeting has left is received, whole', async () => {
    const { bytes, linking } = busyGreeting()
    bytes.deliver(frame(Kind.DATA, pattern(3, 3)))
    await microtasks()
    bytes.release()
    expect(new Witness(await linking).messages).toEqual([pattern(3, 3)])
  })

  it('a peer that has said everything at once, its end too, still gets our greeting and our end', async () => {
    const { bytes, linking } = busyGreeting()
    bytes.deliver(join(frame(Kind.DATA, pattern(3, 3)), frame(Kind.END)))
    bytes.end()
    await microtasks()
    const shutdown = linking.then((link) => {
      expect(new Witness(link).ends).toEqual([undefined])
      return link.shutdown()
    })
    bytes.accept = () => true
    await microtasks()
    if (bytes.busy) bytes.release()
    await shutdown
    expect(join(...bytes.left)).toEqual(join(preface(), frame(Kind.END)))
  })

  it('a greeting that never leaves ends by the timeout', async () => {
    const bytes = new ScriptedBytes()
    bytes.accept = () => false
    const linking = framed(bytes, 'connect', url, { handshakeTimeout: 20 })
    bytes.deliver(preface())
    await expect(linking).rejects.toMatchObject({ code: 'ERR_STRAIT_TIMEOUT' })
    expect(bytes.destroyed).toBe(1)
  })
})
