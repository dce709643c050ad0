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
  type PacketLink,
  type Port,
  packeted,
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

/** A mechanism that keeps boundaries, of which the test is the other end. */
class Packets implements PacketLink {
  events: LinkEvents = NO_EVENTS
  readonly maxPacketSize = vectors.packets.maxPacketSize - 1
  kind = 0
  readonly written: string[] = []
  readonly #packets: Uint8Array[] = []

  deliver(packet: Uint8Array): void {
    this.#packets.push(packet)
    this.events.readable()
  }

  hangUp(): void {
    this.events.end()
  }

  read(): Uint8Array | undefined {
    const packet = this.#packets.shift()
    if (packet !== undefined) this.kind = packet[0]!
    return packet?.subarray(1)
  }

  write(kind: number, body: Uint8Array, prefix = new Uint8Array(0)): boolean {
    this.written.push(hex(Uint8Array.of(kind, ...prefix, ...body)))
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

/** What a piece of the greeting is in packets. */
const hello = (piece: string) => `0${Kind.HELLO}${piece}`

/** A link that has greeted as the `connect` end, and the mechanism below it. */
type Greet = (options?: ChannelOptions) => Promise<[Link, Stream | Packets]>

const greeted = async (options: ChannelOptions = {}): Promise<[Link, Stream]> => {
  const stream = new Stream()
  const linking = framed(stream, 'connect', url, options)
  stream.deliver(bytes(answer.writes[0]!))
  const link = await linking
  stream.written.length = 0
  return [link, stream]
}

const greetedInPackets = async (options: ChannelOptions = {}): Promise<[Link, Packets]> => {
  const packets = new Packets()
  const linking = packeted(packets, 'connect', url, options)
  packets.deliver(bytes(hello(answer.writes[0]!)))
  const link = await linking
  packets.written.length = 0
  return [link, packets]
}

/** What an end writes when it is brought to say one thing; `ping` is what asks it for a pong. */
async function written(greet: Greet, kind: string, payload: Uint8Array, ping: string): Promise<string[]> {
  if (kind === 'PING') vi.useFakeTimers()
  const [link, mechanism] = await greet(kind === 'PING' ? { idleTimeout: 1000 } : {})
  const bring: Record<string, () => unknown> = {
    DATA: () => link.write(payload),
    END: () => link.shutdown(),
    PING: () => {
      link.read()
      vi.advanceTimersByTime(2000)
    },
    PONG: () => {
      mechanism.deliver(bytes(ping))
      link.read()
    },
  }
  await bring[kind]!()
  link.destroy()
  return mechanism.written
}

const PING = vectors.frames.find(({ kind }) => kind === 'PING')!.bytes
const { bytes: END } = vectors.frames.find(({ kind }) => kind === 'END')!

/** What a channel makes of these pieces and a hang-up behind them, and what it writes meanwhile. */
async function read(greet: Greet, pieces: Uint8Array[], limit?: number) {
  const [link, source] = await greet(limit === undefined ? {} : { maxMessageSize: limit })
  const channel = new BaseChannel(link, { url, capabilities: mem.capabilities })
  for (const piece of pieces) source.deliver(piece)
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

const byteByByte = (all: Uint8Array) => [...all].map((byte) => Uint8Array.of(byte))

function drawNonce(nonce: string): void {
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((target) => {
    ;(target as unknown as Uint8Array).set(bytes(nonce))
    return target
  })
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
        if ('nonce' in mine) drawNonce(mine.nonce!)
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
      expect(await written(greeted, kind, bytes(payload), PING)).toEqual([frame])
    })
  }

  for (const { name, limit, bytes: stream, messages, answers, end } of vectors.streams) {
    for (const [cut, pieces] of [
      ['whole', [bytes(stream)]],
      ['byte by byte', byteByByte(bytes(stream))],
    ] as const) {
      it(`reads ${name}, ${cut}`, async () => {
        const result = await read(greeted, [...pieces], limit)
        expect(result).toMatchObject({ messages, end })
        if (end === 'clean') expect(result.written).toEqual([...(answers ?? []), END])
      })
    }
  }

  for (const { from, to, messages, end } of vectors.hangUps.after) {
    for (let length = from; length <= to; length++) {
      it(`reads a stream that hangs up after ${length} bytes`, async () => {
        const stream = bytes(vectors.hangUps.bytes).subarray(0, length)
        expect(await read(greeted, [stream])).toMatchObject({ messages, end })
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

  describe('in packets', () => {
    for (const { name, key, text, agreed, ...ends } of vectors.greetings) {
      for (const role of ['connect', 'listen'] satisfies Role[]) {
        for (const cut of ['in its pieces', 'byte by byte']) {
          it(`greeting ${name}, as the ${role} end, ${cut}`, async () => {
            const [mine, theirs] =
              role === 'connect' ? [ends.connect, ends.listen] : [ends.listen, ends.connect]
            if ('nonce' in mine) drawNonce(mine.nonce!)
            const packets = new Packets()
            const linking = packeted(packets, role, url, {
              key: text ?? (key === undefined ? undefined : bytes(key)),
              maxMessageSize: mine.maxMessageSize,
            })
            const pieces = theirs.writes.map(bytes)
            for (const piece of cut === 'byte by byte' ? pieces.flatMap(byteByByte) : pieces)
              packets.deliver(bytes(hello(hex(piece))))
            const link = await linking
            expect(packets.written).toEqual(mine.writes.map(hello))
            expect(link.maxMessageSize).toBe(agreed)
            link.destroy()
          })
        }
      }
    }

    const refused = [
      ...vectors.refusedGreetings.map(({ bytes: all, ...rest }) => ({ ...rest, packets: [hello(all)] })),
      ...vectors.packets.refusedGreetings.map((each) => ({ key: undefined, ...each })),
    ]
    for (const { name, key, packets: pieces, code } of refused) {
      it(`refuses ${name} as ${code}`, async () => {
        const packets = new Packets()
        const linking = packeted(packets, 'listen', url, key === undefined ? {} : { key: bytes(key) })
        for (const piece of pieces) packets.deliver(bytes(piece))
        packets.hangUp()
        await expect(linking).rejects.toMatchObject({ code: `ERR_STRAIT_${code}` })
      })
    }

    for (const { name, kind, payload, packets } of vectors.packets.written) {
      it(`writes ${name}`, async () => {
        expect(await written(greetedInPackets, kind, bytes(payload), '02')).toEqual(packets)
      })
    }

    for (const { name, limit, packets, messages, answers, end } of vectors.packets.read) {
      it(`reads ${name}`, async () => {
        const result = await read(greetedInPackets, packets.map(bytes), limit)
        expect(result).toMatchObject({ messages, end })
        if (end === 'clean') expect(result.written).toEqual([...(answers ?? []), '01'])
      })
    }
  })
})
