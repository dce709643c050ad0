import { observer, type StraitError, WINDOW } from '@strait/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ws } from '../src/index.js'
import { BINARY, CLOSE, frame, HELLO, PING, Stranger, TEXT } from './support/raw.js'

const ANY = new URL('ws://127.0.0.1:0/')
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

const listeners: Awaited<ReturnType<typeof ws.listen>>[] = []
const refusals: StraitError[] = []
let onRefusal: (() => void) | undefined

beforeEach(() => {
  observer.peerRefused = (_url, error) => {
    refusals.push(error)
    onRefusal?.()
  }
})

afterEach(async () => {
  observer.peerRefused = undefined
  refusals.length = 0
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

async function listen(options = {}) {
  const listener = await ws.listen(ANY, { maxMessageSize: 100_000, ...options })
  listeners.push(listener)
  return listener
}

async function refused(count: number): Promise<StraitError[]> {
  while (refusals.length < count) {
    await new Promise<void>((resolve) => {
      onRefusal = resolve
    })
  }
  return refusals
}

/** Somebody who has greeted, and the channel to him. */
async function meet(options = {}) {
  const listener = await listen(options)
  const stranger = await Stranger.greet(listener.url)
  return { listener, stranger, channel: (await listener.accept())! }
}

describe('C7 C13 a peer that misbehaves', () => {
  const before = frame(BINARY, 'before')

  it.each([
    ['a bad opcode', frame(3, ''), 'CORRUPT'],
    ['reserved bits', Buffer.from([0xf2, 0x80, 0, 0, 0, 0]), 'CORRUPT'],
    ['no mask', frame(BINARY, 'x', { mask: false }), 'CORRUPT'],
    ['a continuation of nothing', frame(0, 'x'), 'CORRUPT'],
    ['a control frame in pieces', frame(PING, 'x', { fin: false }), 'CORRUPT'],
    ['text that is not UTF-8', frame(TEXT, Buffer.from([0xff])), 'CORRUPT'],
    ['other text', frame(TEXT, 'hello'), 'CORRUPT'],
    ['a message as text', frame(TEXT, 'DATA 00'), 'CORRUPT'],
    ['a greeting in the middle', frame(TEXT, HELLO), 'CORRUPT'],
    ['END with a payload', frame(TEXT, 'END 00'), 'CORRUPT'],
    ['credit for nothing', frame(TEXT, 'CREDIT 01000000'), 'CORRUPT'],
    ['credit of three bytes', frame(TEXT, 'CREDIT 000000'), 'CORRUPT'],
    ['a length over the limit, without the bytes', frame(BINARY, '', { length: 100_001 }), 'TOO_LARGE'],
    ['a length of 4 GiB', frame(BINARY, '', { length: 2 ** 32 }), 'TOO_LARGE'],
    ['text over the limit', frame(TEXT, '', { length: 100_001 }), 'TOO_LARGE'],
    ['a close without END', frame(CLOSE, Buffer.from([3, 232])), 'RESET'],
  ])('%s ends the channel, behind what came before', async (_what, bytes, expected) => {
    const { channel, stranger } = await meet()
    stranger.write(Buffer.concat([before, bytes]))
    expect(String.fromCharCode(...(await channel.receive())!)).toBe('before')
    const error = await channel.receive().catch((error) => error)
    expect(error).toEqual(code(expected))
    expect(await channel.send(new Uint8Array(1)).catch((error) => error)).toBe(error)
    await stranger.gone
  })

  it('a message in pieces over the limit is TOO_LARGE with the piece that crosses it', async () => {
    const { channel, stranger } = await meet()
    stranger.write(frame(BINARY, new Uint8Array(60_000), { fin: false }))
    stranger.write(frame(0, '', { length: 60_000 }))
    await expect(channel.receive()).rejects.toEqual(code('TOO_LARGE'))
    await stranger.gone
  })

  it('a message in many pieces, with pings between, is one message', async () => {
    const { channel, stranger } = await meet()
    for (let piece = 0; piece < 100; piece++) {
      stranger.write(frame(piece === 0 ? BINARY : 0, String(piece % 10), { fin: piece === 99 }))
      if (piece % 2 === 1 && piece < 99) stranger.write(frame(PING, ''))
    }
    expect(Buffer.from((await channel.receive())!).toString()).toBe('0123456789'.repeat(10))
    stranger.text('END')
    stranger.socket.end()
    expect(await channel.receive()).toBeUndefined()
    await channel.closed
  })

  it('who sends on without credit is CORRUPT, and not a byte more than the window is kept', async () => {
    const { channel, stranger } = await meet()
    let sent = 0
    for (; sent < 2 * WINDOW; sent += 1000) stranger.binary(1000)
    // Its answer says that everything before it has been judged.
    stranger.write(frame(PING, 'all of it'))
    await stranger.until('all of it')
    let received = 0
    const error = await (async () => {
      for await (const message of channel) received += message.length
    })().catch((error) => error)
    expect(error).toEqual(code('CORRUPT'))
    expect(received).toBeLessThanOrEqual(WINDOW + 1000)
    await stranger.gone
  })

  it('who pings on and does not read is cut off, and the others go on', async () => {
    const { listener, channel, stranger } = await meet()
    stranger.socket.pause()
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => frame(PING, 'x'.repeat(125))))
    const pump = () => {
      while (!stranger.socket.destroyed && stranger.socket.write(flood));
    }
    stranger.socket.on('drain', pump)
    pump()
    const receiving = channel.receive().catch((error) => error)
    const [here, there] = await Promise.all([ws.connect(listener.url), listener.accept()])
    await here.send(new Uint8Array(9))
    expect(await there!.receive()).toHaveLength(9)
    await Promise.all([here.close(), there!.close()])
    expect(await receiving).toEqual(code('RESET'))
    stranger.socket.destroy()
  })
})

describe('C13 a stranger', () => {
  it.each([
    ['sends a message before the greeting', frame(BINARY, 'x')],
    ['sends another text', frame(TEXT, 'hello')],
    ['greets with another word', frame(TEXT, HELLO.replace('5354', '5355'))],
    ['greets with half a digit', frame(TEXT, HELLO.slice(0, -1))],
  ])('who %s is turned away as CORRUPT, and the listener goes on', async (_what, bytes) => {
    const listener = await listen()
    const stranger = await Stranger.knock(listener.url)
    stranger.write(bytes)
    await stranger.gone
    expect(await refused(1)).toEqual([code('CORRUPT')])
    const [here, there] = await Promise.all([ws.connect(listener.url), listener.accept()])
    await Promise.all([here.close(), there!.close()])
  })

  it.each([
    ['no key', {}, false],
    ['a key', { key: 'secret' }, true],
  ])('is not read beyond a greeting where the listener has %s', async (_what, options, greets) => {
    const listener = await listen(options)
    const stranger = await Stranger.knock(listener.url)
    if (greets) stranger.text(HELLO.replace(/^(HELLO .{14})00/, '$101') + '00'.repeat(32))
    stranger.write(frame(BINARY, '', { length: 4096 }))
    await stranger.gone
    expect(await refused(1)).toHaveLength(1)
  })

  it('who says nothing, or only half of his request, is sent away after the time of a greeting', async () => {
    const listener = await listen({ handshakeTimeout: 50 })
    const silent = await Stranger.come(listener.url)
    const slow = await Stranger.come(listener.url)
    slow.write('GET / HTTP/1.1\r\nHost: ')
    const mute = await Stranger.knock(listener.url)
    await Promise.all([silent.gone, slow.gone, mute.gone])
    expect(await refused(3)).toEqual([code('TIMEOUT'), code('TIMEOUT'), code('TIMEOUT')])
  })

  it('counts in the backlog from the beginning, and a newcomer takes the place of the oldest', async () => {
    const listener = await listen({ backlog: 3 })
    const silent = await Stranger.come(listener.url)
    const mute = await Stranger.knock(listener.url)
    const waiting = await ws.connect(listener.url)
    const others = [await Stranger.knock(listener.url)]
    await silent.gone
    others.push(await Stranger.knock(listener.url))
    await mute.gone
    expect(await refused(2)).toEqual([code('NO_RESOURCES'), code('NO_RESOURCES')])
    const there = (await listener.accept())!
    await Promise.all([waiting.close(), there.close()])
    for (const other of others) other.socket.destroy()
  })
})
