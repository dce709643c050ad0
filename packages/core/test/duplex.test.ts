import { once } from 'node:events'
import { type Duplex, Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChannelOptions } from '../src/channel.js'
import type { StreamOptions } from '../src/directions.js'
import { mem } from '../src/mem.js'
import { toDuplex } from '../src/node/duplex.js'
import { failure, scripted, settled, text, utf8 } from './support/link.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const PREMATURE = expect.objectContaining({ code: 'ERR_STREAM_PREMATURE_CLOSE' })

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
  return { here, there, ours: toDuplex(here, options), theirs: toDuplex(there, options) }
}

const bytes = (length: number) => Buffer.alloc(length).map((_, index) => (index * 31) % 251) as Buffer

/** What comes until `end`. Unlike `for await` this does not destroy the other direction afterwards. */
async function untilEnd(duplex: Duplex): Promise<string> {
  const chunks: Buffer[] = []
  duplex.on('data', (chunk) => chunks.push(chunk))
  await once(duplex, 'end')
  return String(Buffer.concat(chunks))
}

describe('bytes', () => {
  it('there, compressed, through pipelines: whole, in pieces no longer than a message may be', async () => {
    const { ours, theirs, here, there } = await pair({}, { maxMessageSize: 1000 })
    const data = bytes(300_000)
    const received: Buffer[] = []
    const receiving = pipeline(theirs, createGunzip(), async (source) => {
      for await (const chunk of source) received.push(chunk)
    })
    await pipeline(Readable.from([data]), createGzip({ level: 0 }), ours)
    await receiving
    expect(Buffer.concat(received).equals(data)).toBe(true)
    for (const channel of [here, there]) expect((await channel.closed).error).toBeUndefined()
  })

  it('there and back, compressed: with half-open streams a direction ends by itself', async () => {
    const { ours, theirs, here, there } = await pair({ allowHalfOpen: true })
    const data = bytes(300_000)
    const inverted = new Transform({
      transform: (chunk: Buffer, _, callback) =>
        callback(
          null,
          chunk.map((byte) => byte ^ 255),
        ),
    })
    const serving = pipeline(theirs, createGunzip(), inverted, createGzip(), theirs)
    const [back] = await Promise.all([
      pipeline(Readable.from([data]), createGzip(), ours, createGunzip(), buffer),
      serving,
    ])
    expect(Buffer.from(back.map((byte) => byte ^ 255)).equals(data)).toBe(true)
    for (const channel of [here, there]) expect((await channel.closed).error).toBeUndefined()
  })

  it('an empty message is nothing, text is UTF-8', async () => {
    const { there, ours } = await pair()
    for (const message of ['', 'a', '', 'b', '']) void there.send(utf8(message))
    ours.write('grün')
    expect(text(await there.receive())).toBe('grün')
    void there.close()
    expect(String(await buffer(ours))).toBe('ab')
  })
})

describe('messages', () => {
  it('keep their boundaries, the empty one included', async () => {
    const { ours, theirs } = await pair({ objectMode: true })
    for (const message of ['a', '', 'bc']) ours.write(utf8(message))
    ours.end()
    const received: unknown[] = []
    for await (const message of theirs) received.push(text(message))
    expect(received).toEqual(['a', '', 'bc'])
  })

  it.each([
    ['longer than allowed', utf8('long'), code('TOO_LARGE')],
    ['that is no Uint8Array', 'text', expect.any(TypeError)],
  ])('one %s destroys the stream', async (_, message, expected) => {
    const { ours, here } = await pair({ objectMode: true }, { maxMessageSize: 3 })
    ours.write(message)
    await expect(finished(ours)).rejects.toEqual(expected)
    expect((await here.closed).error).toMatchObject({ code: 'ERR_STRAIT_ABORTED', cause: expected })
  })

  it('do not go together with half-open streams', async () => {
    const [channel] = await mem.pair()
    expect(() => toDuplex(channel, { objectMode: true, allowHalfOpen: true })).toThrow(TypeError)
  })
})

describe('backpressure', () => {
  it('nothing is read before somebody asks', async () => {
    const { link, channel } = scripted()
    const duplex = toDuplex(channel, { objectMode: true })
    link.arrive('a', 'b', 'c')
    await settled()
    // One is what the channel itself looks ahead.
    expect(link.unread).toBe(2)
    const reader = duplex[Symbol.asyncIterator]()
    expect(text((await reader.next()).value)).toBe('a')
    await settled()
    expect(link.unread).toBe(1)
    duplex.destroy()
  })

  it('a paused stream leaves the rest in the channel', async () => {
    const { link, channel } = scripted()
    const duplex = toDuplex(channel)
    const received: string[] = []
    duplex.on('data', (chunk) => {
      received.push(String(chunk))
      if (received.length === 2) duplex.pause()
    })
    link.arrive('a', 'b', 'c', 'd', 'e')
    await settled()
    expect(received).toEqual(['a', 'b'])
    expect(link.unread).toBeGreaterThanOrEqual(1)
    duplex.resume()
    await settled()
    expect(received.join('')).toBe('abcde')
    duplex.destroy()
  })

  it('the callback of a write comes when its chunk has left, and `drain` behind it', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const duplex = toDuplex(channel)
    const left: string[] = []
    duplex.write('a', () => left.push('a'))
    while (duplex.write(Buffer.alloc(1000, 'x')));
    await settled()
    expect(left).toEqual([])
    link.open(Number.POSITIVE_INFINITY)
    await once(duplex, 'drain')
    expect(left).toEqual(['a'])
    duplex.destroy()
  })
})

describe('ends', () => {
  it('the peer’s clean end is `end`, behind everything, and ends our side too', async () => {
    const { there, ours, here } = await pair()
    for (let count = 0; count < 500; count++) void there.send(utf8('x'))
    const closing = there.close()
    expect(await buffer(ours)).toHaveLength(500)
    await finished(ours)
    await closing
    expect(await here.closed).toEqual({ by: 'peer' })
  })

  it('end() is the peer’s clean end behind everything written; `finish` comes when it is read', async () => {
    const { there, ours } = await pair()
    ours.write('a')
    ours.end('b')
    let finish = false
    ours.once('finish', () => {
      finish = true
    })
    await settled()
    expect(finish).toBe(false)
    expect(text(await there.receive())).toBe('a')
    expect(text(await there.receive())).toBe('b')
    expect(await there.receive()).toBeUndefined()
    await finished(ours, { readable: false })
    expect(finish).toBe(true)
  })

  it('end() before the peer’s end closes without `end`: a cut stream is not taken for a whole one', async () => {
    const { ours, theirs } = await pair()
    theirs.resume()
    const piped: Buffer[] = []
    const through = pipeline(Readable.from(['question']), ours, async (source) => {
      for await (const chunk of source) piped.push(chunk)
    })
    await expect(through).rejects.toEqual(PREMATURE)
  })

  it('a peer that dies before it has read our end is an error', async () => {
    const { there, ours } = await pair()
    for (const message of ['a', 'b', 'c']) ours.write(message)
    ours.end()
    await settled()
    there.abort()
    await expect(finished(ours, { readable: false })).rejects.toEqual(code('RESET'))
  })

  it('a failure destroys the stream with it, behind what had arrived', async () => {
    const { link, channel } = scripted()
    const duplex = toDuplex(channel)
    const error = failure('RESET')
    link.arrive('a', 'b')
    link.finish(error)
    const received: string[] = []
    const reading = (async () => {
      for await (const chunk of duplex) received.push(String(chunk))
    })()
    await expect(reading).rejects.toBe(error)
    expect(received.join('')).toBe('ab')
    expect(link.destroyed).toBe(1)
  })

  it('a write to a peer that has closed is CLOSED', async () => {
    const { there, ours } = await pair()
    await Promise.all([there.close(), settled()])
    ours.write('x')
    await expect(finished(ours)).rejects.toEqual(code('CLOSED'))
  })

  it('half-open, a peer that closes instead ends the direction too, and then ours is a matter of form', async () => {
    const { there, ours, here } = await pair({ allowHalfOpen: true })
    void there.send(utf8('a'))
    void there.close()
    expect(await untilEnd(ours)).toBe('a')
    ours.end()
    await finished(ours)
    expect((await here.closed).error).toBeUndefined()
  })

  it('half-open, `finish` does not wait for the peer’s direction', async () => {
    const { ours, theirs, here } = await pair({ allowHalfOpen: true })
    ours.end('question')
    await once(ours, 'finish')
    expect(await untilEnd(theirs)).toBe('question')
    expect(here.state).toBe('open')
    theirs.end('answer')
    expect(await untilEnd(ours)).toBe('answer')
    await Promise.all([finished(ours), finished(theirs)])
  })
})

describe('destroy', () => {
  it('aborts the channel with the error, although a write and a read wait', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const duplex = toDuplex(channel)
    duplex.resume()
    duplex.write('a')
    await settled()
    const error = new Error('mine')
    duplex.destroy(error)
    await expect(finished(duplex)).rejects.toBe(error)
    expect((await channel.closed).error).toMatchObject({ code: 'ERR_STRAIT_ABORTED', cause: error })
    expect(link.destroyed).toBe(1)
  })

  it('is what leaving `for await` does, and RESET for the peer', async () => {
    const { ours, there } = await pair()
    for (let count = 0; count < 10; count++) void there.send(utf8('x'))
    for await (const _ of ours) break
    await expect(there.receive()).rejects.toEqual(code('RESET'))
    expect(ours.closed).toBe(true)
  })

  it('hands out nothing afterwards', async () => {
    const { link, channel } = scripted()
    const duplex = toDuplex(channel)
    const received: unknown[] = []
    duplex.on('data', (chunk) => received.push(chunk))
    await settled()
    link.arrive('a', 'b')
    duplex.destroy()
    await settled()
    expect(received).toEqual([])
  })
})
