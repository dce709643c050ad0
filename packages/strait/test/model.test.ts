import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { worker } from '@strait/transport-worker'
import { describe, expect, it } from 'vitest'
import { pattern, random } from '../../core/test/support/random.js'
import { type Channel, connect, listen, mem, StraitError } from '../src/index.js'

const SIZES = [4, 5, 100, 1000, 9000, 70_000, 300_000]

/** A message that says who it is. */
function numbered(id: number, size: number): Uint8Array {
  const message = pattern(size, id)
  new DataView(message.buffer).setUint32(0, id)
  return message
}

const numberOf = (message: Uint8Array) => new DataView(message.buffer, message.byteOffset).getUint32(0)

async function pair(scheme: string, directory: string): Promise<[Channel, Channel]> {
  if (scheme === 'mem') return mem.pair()
  if (scheme === 'worker') return worker.pair()
  const listener = await listen(scheme === 'unix' ? `unix:${directory}/a` : `${scheme}://127.0.0.1:0`)
  const [here, there] = await Promise.all([connect(listener.url), listener.accept()])
  await listener.close()
  return [here, there!]
}

/** Sends by every verb, gives up some; resolves with those that must arrive, in the order in which they were sent. */
async function sender(channel: Channel, next: () => number, count: number): Promise<number[]> {
  const fates: Promise<number | undefined>[] = []
  for (let id = 0; id < count; id++) {
    const message = numbered(id, SIZES[Math.floor(next() ** 3 * SIZES.length)]!)
    const move = next()
    if (move < 0.3) {
      fates.push(Promise.resolve(channel.trySend(message) ? id : undefined))
    } else if (move < 0.7) {
      fates.push(channel.send(message).then(() => id))
    } else {
      const controller = new AbortController()
      fates.push(
        channel.send(message, { signal: controller.signal }).then(
          () => id,
          (error) => {
            expect(StraitError.is(error, 'ABORTED')).toBe(true)
            return undefined
          },
        ),
      )
      if (next() < 0.5) controller.abort()
      else setImmediate(() => controller.abort())
    }
    if (next() < 0.2) await new Promise((resolve) => setImmediate(resolve))
  }
  const ids = await Promise.all(fates)
  return ids.filter((id) => id !== undefined)
}

/** Receives by every verb, gives up some, until the end; resolves with what came. */
async function receiver(channel: Channel, next: () => number): Promise<number[]> {
  const ids: number[] = []
  const take = (message: Uint8Array) => {
    const id = numberOf(message)
    const expected = numbered(id, message.length)
    if (Buffer.compare(message, expected) !== 0) throw new Error(`message ${id} has changed`)
    ids.push(id)
  }
  for (;;) {
    const move = next()
    if (move < 0.2) {
      const message = channel.tryReceive()
      if (message !== undefined) take(message)
    } else if (move < 0.3) {
      for await (const message of channel) {
        take(message)
        if (next() < 0.5) break
      }
    } else if (move < 0.6) {
      const controller = new AbortController()
      const receiving = channel.receive({ signal: controller.signal })
      if (next() < 0.5) controller.abort()
      else setImmediate(() => controller.abort())
      const message = await receiving.catch((error) => {
        expect(StraitError.is(error, 'ABORTED')).toBe(true)
        return null
      })
      if (message === undefined) return ids
      if (message !== null) take(message)
    } else {
      const message = await channel.receive()
      if (message === undefined) return ids
      take(message)
    }
    if (next() < 0.1) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe.each(['mem', 'unix', 'tcp', 'worker', 'ws', 'zmq+tcp'])('C1 C2 C9 over %s', (scheme) => {
  it.each([1, 2, 3, 4, 5, 6])(
    'what was accepted arrives, once, whole and in order; what was given up never does (seed %i)',
    async (seed) => {
      const directory = mkdtempSync(join(tmpdir(), 'strait-model-'))
      const next = random(seed)
      const [a, b] = await pair(scheme, directory)
      const talks = [
        [a, b],
        [b, a],
      ] as const
      const receiving = talks.map(([, to]) => receiver(to, next))
      const sent = await Promise.all(talks.map(([from]) => sender(from, next, 300)))
      const closing = a.close()
      // The end that closes discards; the other still gets everything.
      const [atB] = await Promise.all([receiving[0], closing, b.closed])
      const atA = await receiving[1]!
      expect(atB).toEqual(sent[0])
      expect(sent[1]!.slice(0, atA.length)).toEqual(atA)
      expect(await a.closed).toEqual({ by: 'local' })
      expect(await b.closed).toEqual({ by: 'peer' })
      rmSync(directory, { recursive: true })
    },
  )
})
