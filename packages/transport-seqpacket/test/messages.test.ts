import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { random } from '../../core/test/support/random.js'
import { fresh } from '../../rendezvous/test/support/ends.js'
import { type SeqpacketChannel, seqpacket } from '../src/index.js'

const MAX = 16 * 1024 * 1024
const PACKET = 32 * 1024

/** Around the packet: what fits into one, into two; what the parts have for heads; and the largest. */
const SIZES = [0, 1, PACKET - 6, PACKET - 5, PACKET - 1, PACKET, PACKET + 1, 2 * PACKET - 6, 300_000, MAX]

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function* messages(seed: number): Generator<Uint8Array> {
  const next = random(seed)
  for (const size of [...SIZES, ...[...SIZES].reverse()]) {
    const message = new Uint8Array(size)
    for (let i = 0; i + 4 <= size; i += 1021) new DataView(message.buffer).setUint32(i, next() * 2 ** 32)
    yield message
  }
}

it('C1 messages from 0 bytes to 16 MiB arrive whole, both ways at once', async () => {
  const url = new URL(fresh().href.replace('fifo:', 'seqpacket:'))
  const listener = await seqpacket.listen(url)
  const connected = await seqpacket.connect(url)
  const accepted = (await listener.accept())!
  const send = async (channel: SeqpacketChannel, seed: number) => {
    for (const message of messages(seed)) await channel.send(message)
    await channel.close()
  }
  const receive = async (channel: SeqpacketChannel, seed: number) => {
    for (const expected of messages(seed)) {
      const message = (await channel.receive())!
      expect([message.length, digest(message)]).toEqual([expected.length, digest(expected)])
    }
  }
  await Promise.all([
    receive(accepted, 1).then(() => send(accepted, 3)),
    receive(connected, 2).then(() => receive(connected, 3)),
    (async () => {
      for (const message of messages(1)) await connected.send(message)
    })(),
    (async () => {
      for (const message of messages(2)) await accepted.send(message)
    })(),
  ])
  await connected.close()
  await listener.close()
})
