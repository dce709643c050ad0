import { afterEach, describe, expect, it, vi } from 'vitest'
import vectors from '../../../docs/wire-format.vectors.json' with { type: 'json' }
import {
  BaseChannel,
  type ByteLink,
  type ChannelOptions,
  credited,
  framed,
  Kind,
  type Link,
  type LinkEvents,
  mem,
  NO_EVENTS,
  NO_PORT_EVENTS,
  type Port,
  type Role,
  StraitError,
} from '../src/index.js'

const url = new URL('test:')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

/** A byte stream of which the test is the other end. */
class Stream implements ByteLink {
  events: LinkEvents = NO_EVENTS
  readonly written: string[] = []
  readonly #chunks: Uint8Array[] = []

  deliver(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.events.readable()
  }

  hangUp(): void {
    this.events.end()
  }

  read(): Uint8Array | undefined {
    return this.#chunks.shift()
  }

  write(chunk: Uint8Array): boolean {
    this.written.push(hex(chunk))
    return true
  }

  destroy(): void {}
  ref(): void {}
  unref(): void {}
}

/** A message port of which the test is the other end. */
class Units implements Port {
  events = NO_PORT_EVENTS
  readonly posted: [string, string][] = []

  post(kind: Kind, payload: Uint8Array, _lent: boolean, left: () => void): boolean {
    const [name] = Object.entries(Kind).find(([, value]) => value === kind)!
    this.posted.push([name, hex(payload)])
    queueMicrotask(left)
    return false
  }

  destroy(): void {}
  ref(): void {}
  unref(): void {}
}

/** What an end without a key greets with. */
const { connect: greeting, listen: answer } = vectors.greetings[0]!

/** A link that has greeted as the `connect` end, and the stream below it. */
async function greeted(options: ChannelOptions = {}): Promise<[Link, Stream]> {
  const stream = new Stream()
  const linking = framed(stream, 'connect', url, options)
  stream.deliver(bytes(answer.writes[0]!))
  const link = await linking
  stream.written.length = 0
  return [link, stream]
}

/** How an end is brought to write one frame of a kind. */
const writes: Record<string, (payload: Uint8Array) => Promise<[Link, Stream]>> = {
  async DATA(payload) {
    const [link, stream] = await greeted()
    link.write(payload)
    return [link, stream]
  },
  async END() {
    const [link, stream] = await greeted()
    await link.shutdown()
    return [link, stream]
  },
  async PING() {
    vi.useFakeTimers()
    const [link, stream] = await greeted({ idleTimeout: 1000 })
    link.read()
    vi.advanceTimersByTime(2000)
    return [link, stream]
  },
  async PONG() {
    const [link, stream] = await greeted()
    stream.deliver(bytes(vectors.frames.find(({ kind }) => kind === 'PING')!.bytes))
    link.read()
    return [link, stream]
  },
}

const { bytes: END } = vectors.frames.find(({ kind }) => kind === 'END')!

/** What a channel makes of these bytes and a hang-up behind them, and what it writes meanwhile. */
async function readStream(all: Uint8Array, cut: 'whole' | 'byte by byte', limit?: number) {
  const [link, source] = await greeted(limit === undefined ? {} : { maxMessageSize: limit })
  const channel = new BaseChannel(link, { url, capabilities: mem.capabilities })
  const size = cut === 'whole' ? all.length : 1
  for (let at = 0; at < all.length; at += size) source.deliver(all.subarray(at, at + size))
  source.hangUp()
  const messages: string[] = []
  let end = 'clean'
  try {
    for await (const message of channel) messages.push(hex(message))
  } catch (error) {
    expect(error).toBeInstanceOf(StraitError)
    end = (error as StraitError).code.replace('ERR_STRAIT_', '')
  }
  return { messages, end, written: source.written }
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('the wire format is that of docs/wire-format.vectors.json', () => {
  for (const { name, key, text, agreed, ...ends } of vectors.greetings) {
    for (const role of ['connect', 'listen'] satisfies Role[]) {
      it(`greeting ${name}, as the ${role} end`, async () => {
        const [mine, theirs] = role === 'connect' ? [ends.connect, ends.listen] : [ends.listen, ends.connect]
        if ('nonce' in mine) {
          vi.spyOn(crypto, 'getRandomValues').mockImplementation((target) => {
            ;(target as unknown as Uint8Array).set(bytes(mine.nonce!))
            return target
          })
        }
        const stream = new Stream()
        const linking = framed(stream, role, url, {
          key: text ?? (key === undefined ? undefined : bytes(key)),
          maxMessageSize: mine.maxMessageSize,
        })
        for (const piece of theirs.writes) stream.deliver(bytes(piece))
        const link = await linking
        expect(stream.written).toEqual(mine.writes)
        expect(link.maxMessageSize).toBe(agreed)
        link.destroy()
      })
    }
  }

  for (const { name, key, bytes: refused, code } of vectors.refusedGreetings) {
    it(`refuses ${name} as ${code}`, async () => {
      const stream = new Stream()
      const linking = framed(stream, 'listen', url, key === undefined ? {} : { key: bytes(key) })
      stream.deliver(bytes(refused))
      stream.hangUp()
      await expect(linking).rejects.toMatchObject({ code: `ERR_STRAIT_${code}` })
    })
  }

  for (const { name, kind, payload, bytes: frame } of vectors.frames) {
    it(`writes ${name}`, async () => {
      const [link, stream] = await writes[kind]!(bytes(payload))
      expect(stream.written).toEqual([frame])
      link.destroy()
    })
  }

  for (const { name, limit, bytes: stream, messages, answers, end } of vectors.streams) {
    for (const cut of ['whole', 'byte by byte'] as const) {
      it(`reads ${name}, ${cut}`, async () => {
        const read = await readStream(bytes(stream), cut, limit)
        expect(read).toMatchObject({ messages, end })
        if (end === 'clean') expect(read.written).toEqual([...(answers ?? []), END])
      })
    }
  }

  for (const { from, to, messages, end } of vectors.hangUps.after) {
    for (let length = from; length <= to; length++) {
      it(`reads a stream that hangs up after ${length} bytes`, async () => {
        const stream = bytes(vectors.hangUps.bytes).subarray(0, length)
        expect(await readStream(stream, 'whole')).toMatchObject({ messages, end })
      })
    }
  }

  for (const { name, receives, posts } of vectors.units) {
    it(`on a message port: ${name}`, async () => {
      const port = new Units()
      const linking = credited(port, 'listen', url, {})
      port.events.unit(Kind.HELLO, bytes(greeting.writes[0]!))
      const link = await linking
      expect(port.posted).toEqual([['HELLO', greeting.writes[0]]])
      port.posted.length = 0
      for (const [kind, payload] of receives) {
        const unit = typeof payload === 'string' ? bytes(payload) : new Uint8Array(payload!.zeros)
        port.events.unit(Kind[kind as keyof typeof Kind], unit)
        link.read()
      }
      expect(port.posted).toEqual(posts)
      link.destroy()
    })
  }
})
