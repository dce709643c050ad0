import { type Channel, json, mem } from '@strait/core'
import { callContext, createClient, RemoteError, type ServeOptions, type Server, serve } from '@strait/rpc'
import { msgpack } from '@strait/rpc/msgpack'
import { afterEach, describe, expect, it } from 'vitest'
import { Kind, LONG, MOST, TOGETHER } from '../src/frame.js'
import { frame } from './support/frame.js'

const alone = (place: number) => (place | 0x80000000) >>> 0

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function pair(): Promise<[Channel, Channel]> {
  const [near, far] = await mem.pair()
  opened.push(
    async () => near.abort(),
    async () => far.abort(),
  )
  return [near, far]
}

const functions = {
  add: (a: number, b: number) => a + b,
  length: (...values: unknown[]) => values.length,
  async wait() {
    const { signal } = callContext()
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  },
  *count(to: number) {
    for (let n = 0; n < to; n++) yield n
  },
  kilobytes: (count: number) => 'x'.repeat(count * 1024),
}

async function served(options: ServeOptions = {}): Promise<{ raw: Channel; server: Server }> {
  const [raw, far] = await pair()
  const server = serve(far, functions, options)
  opened.push(() => server.done)
  return { raw, server }
}

interface Answer {
  kind: number
  call: number
  value: unknown
}

/** The next frames that come, until there are so many. */
async function answers(raw: Channel, count: number): Promise<Answer[]> {
  const all: Answer[] = []
  while (all.length < count) {
    const bytes = await raw.receive()
    if (bytes === undefined) break
    const message = Buffer.from(bytes)
    for (let at = 0; at < message.length; ) {
      const end = at + 4 + message.readUInt32LE(at)
      const body = message.subarray(at + 12 + message[at + 5]!, end)
      const value = body.length === 0 ? undefined : JSON.parse(body.toString())
      all.push({ kind: message[at + 4]!, call: message.readUInt32LE(at + 8), value })
      at = end
    }
  }
  return all
}

const text = (value: unknown) => json.encode(value)
const add = (call: number, a = 1, b = 1) => frame(Kind.CALL, call, { name: 'add', body: text([a, b]) })

describe('a server whose peer is hostile', () => {
  it.each([
    ['a message of no bytes of a frame', Uint8Array.of(0)],
    ['a length less than that of a head', Uint8Array.of(7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)],
    ['a length beyond its message', Uint8Array.of(9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)],
    ['a name beyond its frame', Uint8Array.of(8, 0, 0, 0, 1, 255, 0, 0, 1, 0, 0, 0)],
    ['65,535 buffers without room for them', Uint8Array.of(8, 0, 0, 0, 1, 0, 255, 255, 1, 0, 0, 0)],
    ['a buffer longer than its frame', frame(Kind.CALL, 1, { name: 'add', buffers: [[0, 1]] })],
    ['a buffer that begins before its frame', frame(Kind.CALL, 1, { buffers: [[0, 12]] })],
    ['bytes behind a frame', Buffer.concat([add(1), Buffer.of(1)])],
    ['a kind that there is not', frame(0, 1)],
    ['an answer', frame(Kind.RESULT, 1)],
    ['a kind beyond the last', frame(255, 1)],
    [
      'many frames in a message of more than they may have together',
      Buffer.concat(
        Array.from({ length: TOGETHER / 16 }, () => frame(Kind.CANCEL, 1, { name: 'none' })),
      ).fill(frame(Kind.CALL, 1, { name: 'none' }), 0, 16),
    ],
    [
      'long buffers of more bytes than there may be',
      frame(Kind.CALL, 1, {
        buffers: [
          [alone(0), MOST],
          [alone(1), 1],
        ],
      }),
    ],
  ])('ends the channel with CORRUPT where it sends %s', async (what, bytes) => {
    const { raw, server } = await served()
    // One byte more than may be is one frame more.
    const message = what.startsWith('many') ? Buffer.concat([bytes, frame(Kind.CANCEL, 1)]) : bytes
    await raw.send(message)
    expect(await server.done).toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
    await expect(raw.receive().then(async (end) => end ?? (await raw.closed))).rejects.toBeDefined()
  })

  it('ends it where something else comes in the place of a long buffer', async () => {
    const { raw, server } = await served()
    await raw.send(frame(Kind.CALL, 1, { name: 'length', body: text([null]), buffers: [[alone(0), LONG]] }))
    await raw.send(add(2))
    expect(await server.done).toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
  })

  it('ends it where a call has the number of one that is not answered', async () => {
    const { raw, server } = await served()
    await raw.send(frame(Kind.CALL, 1, { name: 'wait' }))
    await raw.send(add(1))
    expect(await server.done).toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
  })

  it.each([
    ['that are not of the codec', { body: Buffer.from('{') }],
    ['that are no list', { body: text({ length: 2 }) }],
    ['that are nested too deeply', { body: Buffer.from('['.repeat(1_000_000)) }],
    [
      'with a buffer where there is no argument',
      { body: text([1]), buffers: [[1, 0]] as [number, number][] },
    ],
    [
      'with a buffer at the place __proto__ would have',
      { body: text([1]), buffers: [[0x7fffffff, 0]] as [number, number][] },
    ],
  ])('answers a call with arguments %s with an error, and the channel lives on', async (_what, rest) => {
    const { raw } = await served()
    await raw.send(frame(Kind.CALL, 1, { name: 'length', ...rest }))
    await raw.send(add(2))
    const [first, second] = await answers(raw, 2)
    expect(first).toMatchObject({ kind: Kind.ERROR, call: 1 })
    expect(second).toEqual({ kind: Kind.RESULT, call: 2, value: 2 })
  })

  it('takes __proto__ for a name among others, and for a key among others', async () => {
    const { raw } = await served()
    await raw.send(frame(Kind.CALL, 1, { name: '__proto__', body: text([]) }))
    await raw.send(
      frame(Kind.CALL, 2, { name: 'length', body: Buffer.from('[{"__proto__":{"polluted":true}}]') }),
    )
    const [first, second] = await answers(raw, 2)
    expect(first).toMatchObject({ kind: Kind.ERROR, value: { code: 'ERR_STRAIT_NOT_SUPPORTED' } })
    expect(second).toEqual({ kind: Kind.RESULT, call: 2, value: 1 })
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('lets CANCEL, MORE and WITHIN of calls that are not there pass, and those that are no iterations', async () => {
    const { raw, server } = await served()
    for (const kind of [Kind.CANCEL, Kind.MORE, Kind.WITHIN]) await raw.send(frame(kind, 7))
    await raw.send(frame(Kind.CALL, 1, { name: 'wait' }))
    await raw.send(frame(Kind.MORE, 1))
    await raw.send(frame(Kind.WITHIN, 1, { body: Buffer.of(255, 255, 255, 255) }))
    await raw.send(add(2))
    expect(await answers(raw, 1)).toEqual([{ kind: Kind.RESULT, call: 2, value: 2 }])
    expect(server.running).toBe(1)
    await raw.send(frame(Kind.CANCEL, 1))
    const [end] = await answers(raw, 1)
    expect(end).toMatchObject({ kind: Kind.ERROR, call: 1, value: { code: 'ERR_STRAIT_ABORTED' } })
  })

  it('sends no more than 1,024 values at once, however many were asked for, and hears CANCEL meanwhile', async () => {
    const { raw } = await served()
    await raw.send(frame(Kind.ITERATE, 1, { name: 'count', body: text([1e9]) }))
    for (let turn = 0; turn < 100; turn++) {
      await raw.send(Buffer.concat(Array.from({ length: 1000 }, () => frame(Kind.MORE, 1))))
    }
    await raw.send(frame(Kind.CANCEL, 1))
    let end: Answer | undefined
    while (end?.kind !== Kind.END) end = (await answers(raw, 1)).at(-1)
    await raw.send(add(2))
    expect((await answers(raw, 1)).at(-1)).toMatchObject({ call: 2, value: 2 })
  })

  it('reads no more calls while answers wait that the peer does not take', async () => {
    const { raw, server } = await served()
    const call = (n: number) => frame(Kind.CALL, n, { name: 'kilobytes', body: text([100]) })
    let sent = 0
    for (let quiet = 0; quiet < 20; ) {
      if (raw.trySend(call(sent + 1))) {
        sent++
        quiet = 0
      } else {
        quiet++
        await new Promise(setImmediate)
      }
      if (sent > 100_000) break
    }
    expect(sent).toBeLessThan(100_000)
    const all = await answers(raw, sent)
    expect(all.map(({ call }) => call)).toEqual(Array.from({ length: sent }, (_, n) => n + 1))
    expect(server.running).toBe(0)
  })

  it('refuses calls that would have more bytes in memory than may be', async () => {
    const { raw } = await served({ concurrency: 1, maxBytes: 1000 })
    await raw.send(frame(Kind.CALL, 1, { name: 'wait', body: text(['x'.repeat(600)]) }))
    await raw.send(frame(Kind.CALL, 2, { name: 'length', body: text(['x'.repeat(600)]) }))
    expect(await answers(raw, 1)).toMatchObject([
      { kind: Kind.ERROR, call: 2, value: { code: 'ERR_STRAIT_NO_RESOURCES' } },
    ])
    await raw.send(frame(Kind.CANCEL, 1))
    await answers(raw, 1)
    await raw.send(frame(Kind.CALL, 3, { name: 'length', body: text(['x'.repeat(600)]) }))
    expect(await answers(raw, 1)).toEqual([{ kind: Kind.RESULT, call: 3, value: 1 }])
  })
})

describe('a client whose peer is hostile', () => {
  async function called() {
    const [near, raw] = await pair()
    const client = createClient<typeof functions>(near, { errors: [class Own extends Error {}] })
    return { client, near, raw }
  }

  it.each([
    ['a call', add(1)],
    ['a kind that there is not', frame(11, 1)],
    ['no frame', Uint8Array.of(1)],
  ])('fails with CORRUPT where it sends %s', async (_what, bytes) => {
    const { client, raw } = await called()
    const sum = client.add(1, 1)
    await raw.send(bytes)
    await expect(sum).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
    await expect(client.add(1, 1)).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
  })

  it('lets answers pass to calls that nobody has made, and second ones', async () => {
    const { client, raw } = await called()
    const first = client.add(1, 1)
    for (const kind of [Kind.RESULT, Kind.ERROR, Kind.ITEM, Kind.END]) await raw.send(frame(kind, 99))
    await raw.send(frame(Kind.ITEM, 1, { body: text(5) }))
    await raw.send(frame(Kind.RESULT, 1, { body: text(6) }))
    await raw.send(frame(Kind.ERROR, 1, { body: text({ name: 'Error', message: 'late' }) }))
    expect(await first).toBe(6)
    const controller = new AbortController()
    const second = client.add.with({ signal: controller.signal })(1, 1)
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    await raw.send(frame(Kind.RESULT, 2, { body: text(7) }))
    const third = client.add(1, 1)
    await raw.send(frame(Kind.RESULT, 3, { body: text(8) }))
    expect(await third).toBe(8)
  })

  it('fails that call whose answer cannot be read, and the channel lives on', async () => {
    const { client, raw } = await called()
    const calls = [client.add(1, 1), client.add(2, 2)]
    await raw.send(frame(Kind.RESULT, 1, { body: Buffer.from('{') }))
    await raw.send(frame(Kind.RESULT, 2, { body: text(4) }))
    await expect(calls[0]).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
    expect(await calls[1]).toBe(4)
  })

  it('ends the channel where more values come than were asked for', async () => {
    const { client, near, raw } = await called()
    const values = client.count.iterate(10)
    for (let n = 0; n < 17; n++) await raw.send(frame(Kind.ITEM, 1, { body: text(n) }))
    await near.closed
    for (let n = 0; n < 16; n++) expect(await values.next()).toEqual({ done: false, value: n })
    await expect(values.next()).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
  })

  it.each<unknown>([
    null,
    7,
    [],
    {},
    { name: {}, message: { toString: 1 }, code: {}, stack: 5, cause: 'text' },
    { name: '__proto__', message: 'x' },
    { name: 'constructor', message: 'x', code: 'ERR_STRAIT_' },
    { name: 'Own', message: {} },
    { name: 'TypeError', message: 'x', cause: { cause: { cause: { cause: { cause: { cause: {} } } } } } },
  ])('gets an Error out of %j where it should be one', async (value) => {
    const { client, raw } = await called()
    const call = client.add(1, 1)
    await raw.send(frame(Kind.ERROR, 1, { body: text(value) }))
    const error = await call.then(String, (reason) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(typeof String(error)).toBe('string')
    expect(typeof error.message).toBe('string')
    expect(Object.getPrototypeOf(RemoteError.prototype)).toBe(Error.prototype)
  })
})

describe('MessagePack that claims more than it brings', () => {
  it.each([
    ['an array', [0xdd, 1, 0xc9, 0xc3, 0x80]],
    ['a short array', [0xdc, 0xff, 0xff]],
    ['a map', [0xdf, 0, 0, 0, 2, 1, 2, 3]],
    ['arrays in arrays, each of which might be', [0xdc, 0, 6, 0xdc, 0, 6, 0xdc, 0, 6]],
  ])('is refused before memory is taken: %s', (_what, bytes) => {
    expect(() => msgpack.decode(Uint8Array.from(bytes))).toThrow(RangeError)
  })

  it('and what does not is read, whatever its types', () => {
    const values = [
      0,
      1,
      -1,
      127,
      128,
      -32,
      -33,
      255,
      256,
      65_535,
      65_536,
      -129,
      -32_769,
      2 ** 32,
      -(2 ** 32),
      1.5,
      2n ** 63n,
      -(2n ** 62n),
      true,
      false,
      null,
      '',
      'x'.repeat(31),
      'x'.repeat(32),
      'x'.repeat(300),
      'x'.repeat(70_000),
      new Uint8Array(0),
      new Uint8Array(300),
      new Uint8Array(70_000),
      new Date(0),
      new Date(1e12 + 1),
      new Date(-1e15),
      { a: { b: [1, [2, { c: 3 }]] } },
      Array(15).fill(1),
      Array(16).fill('y'),
      Array(70_000).fill(null),
      Object.fromEntries(Array.from({ length: 70_000 }, (_, n) => [`k${n}`, n])),
    ]
    for (const value of values) expect(msgpack.decode(msgpack.encode(value))).toEqual(value)
    expect(msgpack.decode(msgpack.encode(values))).toEqual(values)
  })
})
