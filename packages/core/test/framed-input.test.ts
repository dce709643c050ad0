import { describe, expect, it } from 'vitest'
import { StraitError } from '../src/error.js'
import { Kind } from '../src/frame.js'
import { framed } from '../src/framed.js'
import { frame, greeted, join, preface, ScriptedBytes, url, Witness } from './support/bytes.js'
import { pattern, random } from './support/random.js'

const text = (message: Uint8Array) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)

function expectSame(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  expect(actual.map((message) => message.length)).toEqual(expected.map((message) => message.length))
  actual.forEach((message, index) => {
    expect(Buffer.compare(message, expected[index]!)).toBe(0)
  })
}

/** The stream cut at these offsets. */
function pieces(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...cuts, stream.length]
  return edges.slice(1).map((edge, index) => stream.slice(edges[index], edge))
}

const short = [0, 1, 7, 8, 9, 0].map((length, seed) => pattern(length, seed))
const shortStream = join(...short.map((message) => frame(Kind.DATA, message)), frame(Kind.END))

it('C7 a stream that finds its end while it is read is told of once', async () => {
  const { bytes, link } = await greeted()
  const witness = new Witness(link)
  bytes.read = () => {
    bytes.read = () => undefined
    bytes.events.end()
    return undefined
  }
  bytes.events.readable()
  expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_RESET'])
})

describe('C1 messages keep their boundaries', () => {
  it('wherever a short stream is cut once', async () => {
    const { bytes, link } = await greeted()
    const whole = new Witness(link)
    bytes.deliver(shortStream)
    expectSame(whole.messages, short)
    for (let cut = 1; cut < shortStream.length; cut++) {
      const { bytes, link } = await greeted()
      const witness = new Witness(link)
      bytes.deliver(...pieces(shortStream, [cut]))
      expectSame(witness.messages, short)
      expect(witness.ends).toEqual([undefined])
    }
  })

  it('wherever a short stream is cut twice', async () => {
    for (let first = 1; first < shortStream.length; first++) {
      for (let second = first + 1; second < shortStream.length; second++) {
        const { bytes, link } = await greeted()
        const witness = new Witness(link)
        bytes.deliver(...pieces(shortStream, [first, second]))
        if (witness.messages.length !== short.length || witness.ends.length !== 1)
          throw new Error(`cut at ${first} and ${second}`)
        expectSame(witness.messages, short)
      }
    }
  })

  it('when every byte comes alone', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    bytes.deliver(
      ...pieces(
        shortStream,
        Array.from({ length: shortStream.length - 1 }, (_, i) => i + 1),
      ),
    )
    expectSame(witness.messages, short)
    expect(witness.ends).toEqual([undefined])
  })

  it('when long ones are cut at random', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const next = random(seed)
      const sizes = [65535, 0, 65536, 65537, 1, 65528, 1 << 20, 9, 65520, (1 << 20) - 1]
      const messages = sizes.map((size, index) => pattern(size, seed + index))
      const stream = join(...messages.map((message) => frame(Kind.DATA, message)), frame(Kind.END))
      const cuts: number[] = []
      for (let at = 0; at < stream.length; ) {
        at += 1 + Math.floor(next() ** 4 * 200_000)
        if (at < stream.length) cuts.push(at)
      }
      const { bytes, link } = await greeted()
      const witness = new Witness(link)
      bytes.deliver(...pieces(stream, cuts))
      expectSame(witness.messages, messages)
      expect(witness.ends).toEqual([undefined])
    }
  })

  it('wherever greeting and first messages are cut', async () => {
    const stream = join(preface(), shortStream)
    for (let cut = 1; cut < stream.length; cut++) {
      const bytes = new ScriptedBytes()
      const linking = framed(bytes, 'connect', url, {})
      bytes.deliver(...pieces(stream, [cut]))
      const witness = new Witness(await linking)
      expectSame(witness.messages, short)
      expect(witness.ends).toEqual([undefined])
    }
  })

  it('and are the receiver’s own plain Uint8Arrays, also when the chunk was a Buffer', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    bytes.deliver(Buffer.from(frame(Kind.DATA, utf8('one'))), Buffer.from(frame(Kind.DATA, utf8('two'))))
    for (const message of witness.messages) expect(Object.getPrototypeOf(message)).toBe(Uint8Array.prototype)
    expect(witness.messages.map(text)).toEqual(['one', 'two'])
  })
})

describe('C6 the clean end', () => {
  it('comes behind everything, and what stands behind it is not looked at', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    bytes.deliver(join(frame(Kind.DATA, utf8('last')), frame(Kind.END), utf8('GARBAGE GARBAGE')))
    bytes.end()
    bytes.deliver(frame(Kind.DATA, utf8('more')))
    expect(witness.messages.map(text)).toEqual(['last'])
    expect(witness.ends).toEqual([undefined])
  })

  it('is clean although the peer then hangs up uncleanly', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    bytes.deliver(frame(Kind.END))
    bytes.end(new StraitError('RESET', 'reset', { operation: 'receive' }))
    expect(witness.ends).toEqual([undefined])
  })
})

describe('C7 the unclean end', () => {
  it('a hang-up without END is RESET, behind everything whole', async () => {
    const { bytes, link } = await greeted()
    bytes.place(frame(Kind.DATA, utf8('one')), frame(Kind.DATA, utf8('two')))
    bytes.end()
    const witness = new Witness(link)
    expect(witness.messages.map(text)).toEqual(['one', 'two'])
    expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_RESET'])
  })

  it('the cause of a reset stands behind it', async () => {
    const { bytes, link } = await greeted()
    const witness = new Witness(link)
    const cause = new StraitError('RESET', 'reset by the kernel', { operation: 'receive' })
    bytes.end(cause)
    expect(witness.ends[0]?.cause).toBe(cause)
  })

  it('a frame cut anywhere is TRUNCATED, behind everything whole', async () => {
    const cutFrame = frame(Kind.DATA, utf8('never whole'))
    for (let cut = 1; cut < cutFrame.length; cut++) {
      const { bytes, link } = await greeted()
      const witness = new Witness(link)
      bytes.deliver(join(frame(Kind.DATA, utf8('whole')), cutFrame.slice(0, cut)))
      bytes.end()
      expect(witness.messages.map(text)).toEqual(['whole'])
      expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_TRUNCATED'])
    }
  })

  it('a header with anything in its reserved bytes is CORRUPT', async () => {
    for (const at of [1, 2, 3]) {
      for (let bit = 0; bit < 8; bit++) {
        const { bytes, link } = await greeted()
        const witness = new Witness(link)
        const header = frame(Kind.DATA)
        header[at] = 1 << bit
        bytes.deliver(frame(Kind.DATA, utf8('before')), header, frame(Kind.DATA, utf8('behind')))
        expect(witness.messages.map(text)).toEqual(['before'])
        expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_CORRUPT'])
      }
    }
  })

  it('every kind that has no place on a stream is CORRUPT', async () => {
    for (let kind = Kind.PONG + 1; kind < 256; kind++) {
      const { bytes, link } = await greeted()
      const witness = new Witness(link)
      bytes.deliver(frame(kind))
      expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_CORRUPT'])
    }
  })

  it.each([
    ['END', Kind.END],
    ['PING', Kind.PING],
    ['PONG', Kind.PONG],
  ])('%s with a payload is CORRUPT', async (_, kind) => {
    for (const length of [1, 8, 2 ** 31, 2 ** 32 - 1]) {
      const { bytes, link } = await greeted()
      const witness = new Witness(link)
      bytes.deliver(frame(kind, new Uint8Array(0), length))
      expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_CORRUPT'])
    }
  })

  it('garbage of any kind ends the link and nothing else', async () => {
    const next = random(77)
    for (let round = 0; round < 300; round++) {
      const { bytes, link } = await greeted({ maxMessageSize: 4096 })
      const witness = new Witness(link)
      const garbage = Uint8Array.from({ length: 1 + Math.floor(next() * 200) }, () => next() * 256)
      bytes.deliver(...pieces(garbage, [Math.floor(next() * garbage.length)]))
      bytes.end()
      expect(witness.ends).toHaveLength(1)
      if (witness.ends[0] !== undefined) expect(witness.ends[0]).toBeInstanceOf(StraitError)
    }
  })
})

describe('C1 a frame longer than allowed', () => {
  it.each([
    [0, 1],
    [64, 65],
    [16 * 1024 * 1024, 16 * 1024 * 1024 + 1],
    [16 * 1024 * 1024, 2 ** 31],
    [16 * 1024 * 1024, 2 ** 32 - 1],
  ])('is TOO_LARGE: limit %i, length %i', async (maxMessageSize, length) => {
    const { bytes, link } = await greeted({ maxMessageSize })
    const witness = new Witness(link)
    bytes.deliver(frame(Kind.DATA, new Uint8Array(0), length))
    expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_TOO_LARGE'])
    expect(witness.ends[0]?.message).toContain(String(length))
  })

  it('exactly as long as allowed is a message', async () => {
    const { bytes, link } = await greeted({ maxMessageSize: 64 })
    const witness = new Witness(link)
    bytes.deliver(frame(Kind.DATA, pattern(64, 1)))
    expectSame(witness.messages, [pattern(64, 1)])
  })

  it('costs no memory: 200 peers announce 1 GiB each', async () => {
    const greetedOnes = await Promise.all(Array.from({ length: 200 }, () => greeted()))
    const before = process.memoryUsage()
    const witnesses = greetedOnes.map(({ bytes, link }) => {
      const witness = new Witness(link)
      bytes.deliver(frame(Kind.DATA, new Uint8Array(0), 1024 * 1024 * 1024))
      return witness
    })
    const after = process.memoryUsage()
    for (const { ends } of witnesses) expect(ends[0]?.code).toBe('ERR_STRAIT_TOO_LARGE')
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024)
    expect(after.rss - before.rss).toBeLessThan(64 * 1024 * 1024)
  })

  it('the limit is the smaller of the two ends’', async () => {
    for (const [mine, theirs] of [
      [100, 50],
      [50, 100],
    ] as const) {
      const bytes = new ScriptedBytes()
      const linking = framed(bytes, 'listen', url, { maxMessageSize: mine })
      bytes.deliver(preface({ max: theirs }))
      expect((await linking).maxMessageSize).toBe(50)
    }
  })
})
