import { type Channel, type Codec, json, mem } from '@strait/core'
import { createClient, serve } from '@strait/rpc'
import { msgpack } from '@strait/rpc/msgpack'
import { describe, expect, it } from 'vitest'
import { Kind } from '../src/frame.js'
import { frame } from './support/frame.js'

const RUNS = 400
/** Of the honest call, which no other has. */
const NUMBER = 0xfedcba98

/** mulberry32: the same numbers for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const functions = {
  add: (a: number, b: number) => a + b,
  echo: (...values: unknown[]) => values[0],
  later: async (value: unknown) => value,
  async *count(to: number) {
    for (let n = 0; n < to && n < 100; n++) yield n
  },
}

/** The messages of an honest end. */
// biome-ignore lint/suspicious/noExplicitAny: any codec will do
async function recorded(codec: Codec<any>, answers: boolean): Promise<Uint8Array[]> {
  const [near, far] = await mem.pair()
  const messages: Uint8Array[] = []
  const end = answers ? far : near
  const trySend = end.trySend.bind(end)
  end.trySend = (message) => {
    messages.push(message.slice())
    return trySend(message)
  }
  const server = serve(far, functions, { codec })
  const client = createClient<typeof functions>(near, { codec })
  await Promise.all([client.add(1, 2), client.echo({ a: [1, 'x'] }), client.later(new Uint8Array(50))])
  client.add.notify(1, 2)
  await client.add.with({ timeout: 60_000 })(1, 2)
  for await (const _ of client.count.iterate(20));
  await client.echo(new Uint8Array(40_000)).catch(() => {})
  await near.close()
  await server.done
  return messages
}

/** One of them, changed in some places; or bytes of any kind. */
function spoiled(messages: Uint8Array[], random: (below: number) => number): Uint8Array {
  if (random(4) === 0) return Uint8Array.from({ length: random(60) }, () => random(256))
  const whole = messages[random(messages.length)]!
  const kept = random(4) === 0 ? whole.slice(0, random(whole.length + 1)) : whole.slice()
  const again = random(4) === 0 ? Buffer.concat([kept, messages[random(messages.length)]!]) : kept
  for (let count = random(4); count > 0 && again.length > 0; count--) {
    const at = random(Math.min(again.length, 80))
    again[at] = [random(256), 0, 255, again[at]! ^ (1 << random(8))][random(4)]!
  }
  return again
}

/** The body of the answer to the honest call; undefined: the channel has ended before. */
async function answerIn(channel: Channel): Promise<Uint8Array | undefined> {
  for (;;) {
    const bytes = await channel.receive().catch(() => undefined)
    if (bytes === undefined) return undefined
    const message = Buffer.from(bytes)
    for (let at = 0; at + 12 <= message.length; ) {
      const end = at + 4 + message.readUInt32LE(at)
      if (message.readUInt32LE(at + 8) === NUMBER) return message.subarray(at + 12, end)
      at = end
    }
  }
}

describe.each([
  ['json', json],
  ['MessagePack', msgpack],
])('messages at random, over %s', (_name, codec) => {
  it('are answered by a server, or end its channel with CORRUPT', async () => {
    const messages = await recorded(codec, false)
    const ends = new Set<unknown>()
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = generator(seed)
      const [near, far] = await mem.pair()
      const server = serve(far, functions, { codec, concurrency: seed % 3 === 0 ? 2 : undefined })
      for (let count = 1 + random(3); count > 0; count--) near.trySend(spoiled(messages, random))
      // An honest call behind them: it is answered, or the channel is at its end.
      near.trySend(frame(Kind.CALL, NUMBER, { name: 'add', body: codec.encode([20, 22]) }))
      const outcome = await answerIn(near)
      near.abort()
      const failure = (await server.done) as { code?: string } | undefined
      ends.add(outcome === undefined ? failure?.code : 'answered')
      if (outcome !== undefined) expect([seed, codec.decode(outcome)]).toEqual([seed, 42])
    }
    // Both happen, and nothing else.
    expect([...ends].sort()).toEqual(['ERR_STRAIT_CORRUPT', 'answered'])
  })

  it('are answers to a client, or end its channel with CORRUPT', async () => {
    const messages = await recorded(codec, true)
    const ends = new Set<unknown>()
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = generator(seed)
      const [near, far] = await mem.pair()
      const client = createClient<typeof functions>(near, { codec })
      const calls: Promise<unknown>[] = [client.add(1, 2), client.echo(1), client.later(2)]
      const values = client.count.iterate(20)
      calls.push(values.next(), values.next())
      for (let count = 5; count > 0; count--) far.trySend(spoiled(messages, random))
      await far.close({ signal: AbortSignal.timeout(5_000) }).catch(() => {})
      for (const outcome of await Promise.allSettled(calls)) {
        if (outcome.status === 'rejected') expect([seed, outcome.reason]).toEqual([seed, expect.any(Error)])
      }
      const { error } = await near.closed
      near.abort()
      ends.add((error as { code?: string } | undefined)?.code)
    }
    expect(ends.size).toBeGreaterThan(1)
  })
})
