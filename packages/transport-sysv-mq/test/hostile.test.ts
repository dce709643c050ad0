import { openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Kind } from '@strait/core'
import { native, SysvMessageQueue } from '@strait/posix'
import { HeldRecord } from '@strait/rendezvous'
import { afterEach, describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { failure, Refusals } from '../../rendezvous/test/support/ends.js'
import { hello, RawListener, RawPeer } from '../../rendezvous/test/support/raw.js'
import { sysvMq } from '../src/index.js'
import { fresh, home, nothingIsLeft, queues, recorded } from './support/home.js'

const system = native()

nothingIsLeft()

const made: SysvMessageQueue[] = []
afterEach(() => {
  for (const queue of made.splice(0)) {
    queue.unlink()
    queue.close()
  }
})

function queue(maxBytes?: number): number {
  const one = SysvMessageQueue.private()
  made.push(one)
  if (maxBytes !== undefined) one.resize(maxBytes)
  return one.id
}

/** What a listener says of two queues and the record of that name. */
function parameters(incoming: number, outgoing: number, record: string): Uint8Array {
  const bytes = Buffer.alloc(21)
  bytes[0] = Kind.DATA
  bytes.writeInt32LE(incoming, 1)
  bytes.writeInt32LE(outgoing, 5)
  bytes.write(record, 9, 'hex')
  return bytes
}

function sharedRecord(): HeldRecord {
  const record = HeldRecord.create('listen')
  record.share()
  return record
}

describe('C13 a listener that hands over', () => {
  const WRONG: Record<string, (record: HeldRecord) => Uint8Array> = {
    'too few parameters': ({ name }) => parameters(queue(), queue(), name).subarray(0, 20),
    'too many': ({ name }) => Buffer.concat([parameters(queue(), queue(), name), Buffer.alloc(1)]),
    'the same queue twice': ({ name }) => {
      const one = queue()
      return parameters(one, one, name)
    },
    'queues that are not there': ({ name }) => parameters(queue(), 2 ** 31 - 1, name),
    'a queue that holds no packet': ({ name }) => parameters(queue(2047), queue(), name),
  }

  it.each(Object.entries(WRONG))('%s is refused as CORRUPT, and removes nothing', async (_, make) => {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = sysvMq.connect(url)
    const peer = await listener.accept()
    const record = sharedRecord()
    peer.send(hello(preface()))
    peer.send(make(record), [record.descriptor])
    await expect(connecting).rejects.toEqual(failure('CORRUPT'))
    // It was not confirmed.
    expect((await peer.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO])
    for (const each of made) expect(each.attributes.messages).toBe(0)
    record.release()
    peer.close()
    listener.close()
  })

  it('something else than a record is refused as CORRUPT, and nothing stays open', async () => {
    const pipe = new Int32Array(2)
    system.pipe(0, pipe)
    for (const descriptor of [system.eventfd(false), pipe[0]!, pipe[1]!, openSync(home, 'r')]) {
      const url = fresh()
      const listener = new RawListener(url)
      const connecting = sysvMq.connect(url)
      const peer = await listener.accept()
      peer.send(hello(preface()))
      peer.send(parameters(queue(), queue(), 'a'.repeat(24)), [descriptor])
      await expect(connecting).rejects.toEqual(failure('CORRUPT', 'record'))
      system.close(descriptor)
      peer.close()
      listener.close()
    }
  })

  it('another file in place of its record finds it there afterwards', async () => {
    const path = join(home, 'precious')
    const descriptor = openSync(path, 'w+', 0o600)
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = sysvMq.connect(url)
    const peer = await listener.accept()
    const record = sharedRecord()
    peer.send(hello(preface()))
    peer.send(parameters(queue(), queue(), record.name), [descriptor])
    const channel = await connecting
    channel.abort()
    // The record of that name is not what was passed, and stays; so does what was passed.
    rmSync(path)
    record.release()
    system.close(descriptor)
    peer.close()
    listener.close()
  })

  it('a record that nobody holds any more is RESET', async () => {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = sysvMq.connect(url)
    const peer = await listener.accept()
    const record = HeldRecord.create('listen')
    peer.send(hello(preface()))
    // Locked by this one alone, as by a sweep.
    peer.send(parameters(queue(), queue(), record.name), [record.descriptor])
    await expect(connecting).rejects.toEqual(failure('RESET'))
    record.release()
    peer.close()
    listener.close()
  })
})

describe('C13 a peer that has its queues', () => {
  /** A channel of ours, and by hand its peer's queue to it. */
  async function meet() {
    const url = fresh()
    const others = recorded()
    const listener = await sysvMq.listen(url)
    const connected = await sysvMq.connect(url)
    const channel = (await listener.accept())!
    // The first that was made is what comes in at the listener.
    const keys = recorded().filter((key) => !others.includes(key))
    const [incoming, outgoing] = keys.map((key) => queues([key])[0]!.id)
    const end = async () => {
      channel.abort()
      connected.abort()
      await listener.close()
    }
    return { channel, incoming: incoming!, outgoing: outgoing!, [Symbol.asyncDispose]: end }
  }

  const ATTACKS: Record<string, [code: string, attack: (queue: number) => void]> = {
    'a packet without a kind': ['CORRUPT', (queue) => system.msgSend(queue, new Uint8Array(0), 1, 0)],
    'a packet of another type': [
      'CORRUPT',
      (queue) => system.msgSend(queue, Uint8Array.of(Kind.DATA, 1), 2, 0),
    ],
    'a packet that is too long': ['CORRUPT', (queue) => system.msgSend(queue, new Uint8Array(2049), 1, 0)],
    'a packet of a kind that there is not': [
      'CORRUPT',
      (queue) => system.msgSend(queue, Uint8Array.of(99, 1), 1, 0),
    ],
    'a greeting once more': ['CORRUPT', (queue) => system.msgSend(queue, hello(preface()), 1, 0)],
    'the rest of a message that it has not begun': [
      'CORRUPT',
      (queue) => system.msgSendPacket(queue, Kind.MORE, Uint8Array.of(1)),
    ],
    'the beginning of a message that is too long': [
      'TOO_LARGE',
      (queue) => system.msgSendPacket(queue, Kind.FIRST, Uint8Array.of(255, 255, 255, 255, 1)),
    ],
  }

  for (const blocking of [false, true]) {
    it.each(Object.entries(ATTACKS))(
      `and puts %s, is found out, behind what was good${blocking ? ', by a blocked thread' : ''}`,
      async (_, [code, attack]) => {
        await using met = await meet()
        const receive = async () => (blocking ? met.channel.receiveSync() : met.channel.receive())
        system.msgSendPacket(met.incoming, Kind.DATA, Uint8Array.of(1, 2, 3))
        expect(await receive()).toEqual(Uint8Array.of(1, 2, 3))
        // With one of the two it is waited for already.
        const receiving = blocking ? undefined : receive()
        attack(met.incoming)
        await expect(receiving ?? receive()).rejects.toEqual(failure(code))
        expect((await met.channel.closed).error).toEqual(failure(code))
      },
    )
  }

  it('and removes what comes in here is RESET, for who waits and who blocks', async () => {
    await using met = await meet()
    const receiving = met.channel.receive()
    system.msgRemove(met.incoming)
    await expect(receiving).rejects.toEqual(failure('RESET'))
    await using other = await meet()
    system.msgRemove(other.incoming)
    expect(() => other.channel.receiveSync()).toThrow(failure('RESET'))
  })

  it('and removes what goes out here is RESET, also while a send waits or blocks', async () => {
    await using met = await meet()
    const sending = met.channel.send(new Uint8Array(100_000))
    system.msgRemove(met.outgoing)
    await expect(sending).rejects.toEqual(failure('RESET'))
    await using other = await meet()
    system.msgRemove(other.outgoing)
    expect(() => {
      for (;;) other.channel.sendSync(new Uint8Array(100_000))
    }).toThrow(failure('RESET'))
  })

  it('and fills the queue that goes out meets patience, and abort ends it', async () => {
    await using met = await meet()
    while (system.msgSend(met.outgoing, new Uint8Array(2048), 1, 0) === 0);
    const sending = met.channel.send(Uint8Array.of(1))
    expect(() => met.channel.sendSync(Uint8Array.of(1), { timeout: 60 })).toThrow(failure('TIMEOUT'))
    met.channel.abort()
    await expect(sending).rejects.toEqual(failure('ABORTED'))
  })
})

describe('C13 who connects', () => {
  it('and never says that it has its queues is given up on, and nothing stays', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await sysvMq.listen(url, { handshakeTimeout: 200 })
    const silent = RawPeer.connect(url)
    silent.send(hello(preface()))
    expect((await silent.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO, Kind.DATA])
    expect(refusals.errors).toEqual([failure('TIMEOUT')])
    expect(recorded()).toEqual([])
    refusals.stop()
    silent.close()
    await listener.close()
  })
})
