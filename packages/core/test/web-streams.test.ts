import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChannelOptions } from '../src/channel.js'
import type { StreamOptions } from '../src/directions.js'
import { mem } from '../src/mem.js'
import { toWebStreams } from '../src/web-streams.js'
import { failure, outcome, scripted, settled, text, utf8 } from './support/link.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)
beforeAll(() => {
  process.on('unhandledRejection', note)
})
afterAll(async () => {
  await settled()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

async function pair(options: StreamOptions = {}, channelOptions: ChannelOptions = {}) {
  const [here, there] = await mem.pair(channelOptions)
  return { here, there, ours: toWebStreams(here, options), theirs: toWebStreams(there, options) }
}

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31) % 251)

async function collect(readable: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of readable) chunks.push(chunk)
  return chunks
}

const joined = (chunks: Uint8Array[]) => Buffer.concat(chunks)

const source = (...chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })

describe('bytes', () => {
  it('travel through a pipe, longer chunks than a message may be in pieces, empty ones not at all', async () => {
    const { ours, theirs } = await pair({}, { maxMessageSize: 1000 })
    const data = bytes(300_000)
    const received = collect(theirs.readable)
    await source(data.subarray(0, 5), new Uint8Array(0), data.subarray(5)).pipeTo(ours.writable)
    const chunks = await received
    expect(chunks.every(({ length }) => length > 0 && length <= 1000)).toBe(true)
    expect(joined(chunks).equals(data)).toBe(true)
  })

  it('an empty message of the peer is nothing', async () => {
    const { there, ours } = await pair()
    for (const message of ['', 'a', '', 'b', '']) void there.send(utf8(message))
    void there.close()
    expect((await collect(ours.readable)).map(text)).toEqual(['a', 'b'])
  })
})

describe('messages', () => {
  it('keep their boundaries, the empty one included', async () => {
    const { ours, theirs } = await pair({ objectMode: true })
    const received = collect(theirs.readable)
    await source(utf8('a'), utf8(''), utf8('bc')).pipeTo(ours.writable)
    expect((await received).map(text)).toEqual(['a', '', 'bc'])
  })

  it('one longer than allowed fails the writable', async () => {
    const { ours } = await pair({ objectMode: true }, { maxMessageSize: 3 })
    const writer = ours.writable.getWriter()
    const failed = expect.objectContaining({ code: 'ERR_STRAIT_TOO_LARGE' })
    await expect(writer.write(utf8('long'))).rejects.toEqual(failed)
    await expect(writer.closed).rejects.toEqual(failed)
  })

  it('do not go together with half-open streams', async () => {
    const [channel] = await mem.pair()
    expect(() => toWebStreams(channel, { objectMode: true, allowHalfOpen: true })).toThrow(TypeError)
  })
})

describe('backpressure', () => {
  it('nothing is read before somebody asks', async () => {
    const { link, channel } = scripted()
    const { readable } = toWebStreams(channel)
    link.arrive('a', 'b', 'c')
    await settled()
    // One is what the channel itself looks ahead.
    expect(link.unread).toBe(2)
    const reader = readable.getReader()
    expect(text((await reader.read()).value)).toBe('a')
    await settled()
    expect(link.unread).toBe(1)
  })

  it('a write resolves when its chunk has left, and `ready` waits for it', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const writer = toWebStreams(channel).writable.getWriter()
    const written = writer.write(utf8('a'))
    expect(await outcome(written)).toBe('pending')
    expect(await outcome(writer.ready)).toBe('pending')
    link.open(1)
    await written
    await writer.ready
    expect(link.written).toEqual(['a'])
  })
})

describe('ends', () => {
  it('the peer’s clean end closes readable, behind everything', async () => {
    const { there, ours } = await pair()
    for (let count = 0; count < 500; count++) void there.send(utf8('x'))
    void there.close()
    expect(await collect(ours.readable)).toHaveLength(500)
  })

  it('closing writable is the peer’s clean end, behind everything, and waits until it is read', async () => {
    const { there, ours } = await pair()
    const writer = ours.writable.getWriter()
    void writer.write(utf8('a'))
    const closing = writer.close()
    expect(await outcome(closing)).toBe('pending')
    expect(text(await there.receive())).toBe('a')
    expect(await there.receive()).toBeUndefined()
    await closing
  })

  it('closing writable first is CLOSED for readable, which is not taken for whole', async () => {
    const { ours, theirs } = await pair()
    const reading = collect(ours.readable)
    const theirReading = collect(theirs.readable)
    await ours.writable.close()
    await expect(reading).rejects.toEqual(code('CLOSED'))
    expect(await theirReading).toEqual([])
  })

  it('a peer that dies before it has read our end fails the close', async () => {
    const { there, ours } = await pair()
    const writer = ours.writable.getWriter()
    for (const message of ['a', 'b']) await writer.write(utf8(message))
    const closing = writer.close()
    there.abort()
    await expect(closing).rejects.toEqual(code('RESET'))
  })

  it('a failure comes behind what had arrived, and fails both', async () => {
    const { link, channel } = scripted()
    const { readable, writable } = toWebStreams(channel)
    const error = failure('RESET')
    link.arrive('a')
    link.finish(error)
    const reader = readable.getReader()
    expect(text((await reader.read()).value)).toBe('a')
    await expect(reader.read()).rejects.toBe(error)
    await expect(writable.getWriter().write(utf8('x'))).rejects.toBe(error)
  })

  it('a chunk that is no Uint8Array is a TypeError', async () => {
    const { ours } = await pair()
    const writer = ours.writable.getWriter()
    await expect(writer.write('text' as never)).rejects.toThrow(TypeError)
  })
})

describe('half-open', () => {
  it('what goes through a peer comes back after our direction has ended', async () => {
    const { here, there, ours, theirs } = await pair({ allowHalfOpen: true })
    const upper = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(utf8(text(chunk)!.toUpperCase())),
      flush: (controller) => controller.enqueue(utf8('!')),
    })
    const serving = theirs.readable.pipeThrough(upper).pipeTo(theirs.writable)
    const answer = await collect(source(utf8('there and '), utf8('back')).pipeThrough(ours))
    expect(text(joined(answer))).toBe('THERE AND BACK!')
    await serving
    expect((await here.closed).error).toBeUndefined()
    expect((await there.closed).error).toBeUndefined()
  })

  it('compressed there and decompressed on the way back', async () => {
    const { ours, theirs } = await pair({ allowHalfOpen: true })
    const data = bytes(500_000)
    const serving = theirs.readable
      .pipeThrough(new DecompressionStream('gzip') as never as TransformStream<Uint8Array, Uint8Array>)
      .pipeTo(theirs.writable)
    const gzip = new CompressionStream('gzip') as never as TransformStream<Uint8Array, Uint8Array>
    const answer = await collect(source(data).pipeThrough(gzip).pipeThrough(ours))
    expect(joined(answer).equals(data)).toBe(true)
    await serving
  })

  it('a peer that closes instead ends the direction too, and then ours is a matter of form', async () => {
    const { there, ours } = await pair({ allowHalfOpen: true })
    void there.send(utf8('a'))
    void there.close()
    expect((await collect(ours.readable)).map(text)).toEqual(['a'])
    await ours.writable.close()
  })
})

describe('abort', () => {
  it('abort(reason) ends the channel at once, although a write waits', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const { readable, writable } = toWebStreams(channel)
    const reading = readable.getReader().read()
    reading.catch(() => {})
    const writer = writable.getWriter()
    const reason = new Error('reason')
    const writing = writer.write(utf8('a'))
    writing.catch(() => {})
    await settled()
    await writer.abort(reason)
    await expect(writing).rejects.toBeDefined()
    await expect(reading).rejects.toEqual(code('ABORTED'))
    expect((await channel.closed).error).toMatchObject({ code: 'ERR_STRAIT_ABORTED', cause: reason })
    expect(link.destroyed).toBe(1)
  })

  it('cancel(reason) does too, although a read waits', async () => {
    const { link, channel } = scripted()
    const { readable, writable } = toWebStreams(channel)
    const reader = readable.getReader()
    const reading = reader.read()
    await settled()
    await reader.cancel('enough')
    expect(await reading).toEqual({ done: true, value: undefined })
    expect((await channel.closed).error).toMatchObject({ code: 'ERR_STRAIT_ABORTED', cause: 'enough' })
    await expect(writable.getWriter().write(utf8('x'))).rejects.toEqual(code('ABORTED'))
    expect(link.destroyed).toBe(1)
  })

  it('is RESET for the peer', async () => {
    const { ours, theirs } = await pair()
    const reading = collect(theirs.readable)
    await ours.writable.abort()
    await expect(reading).rejects.toEqual(code('RESET'))
  })
})
