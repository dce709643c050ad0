import { constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kind } from '@strait/core'
import { native } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { start } from '../../core/test/support/child.js'
import { failure, Refusals } from '../../rendezvous/test/support/ends.js'
import { hello, RawListener, RawPeer } from '../../rendezvous/test/support/raw.js'
import { mq } from '../src/index.js'
import { fresh, nothingIsLeft } from './support/home.js'

const CONNECTOR = new URL('./support/connector.mjs', import.meta.url)
const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants
const system = native()
const OBJECTS = Uint8Array.of(Kind.DATA)
const SIZE = 1024

nothingIsLeft()

let directory: string
let opened: number[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-hostile-'))
  opened = []
})
// Those of a file's hooks that were set up last run first.
afterEach(() => {
  for (const descriptor of opened) system.close(descriptor)
  rmSync(directory, { recursive: true })
})

const keep = (descriptor: number) => {
  expect(descriptor).toBeGreaterThanOrEqual(0)
  opened.push(descriptor)
  return descriptor
}

interface OpenQueue {
  readonly reader: number
  readonly writer: number
  readonly both: number
}

/** A queue without a name, opened in three ways. */
function openQueue(size = SIZE): OpenQueue {
  const name = `/strait-test-${process.pid}-hostile`
  const both = keep(system.mqOpen(name, O_RDWR | O_NONBLOCK | O_CREAT | O_EXCL, 0o600, 2, size))
  const reader = keep(system.mqOpen(name, O_RDONLY | O_NONBLOCK, 0, 0, 0))
  const writer = keep(system.mqOpen(name, O_WRONLY | O_NONBLOCK, 0, 0, 0))
  expect(system.mqUnlink(name)).toBe(0)
  return { reader, writer, both }
}

function pair(make: (ends: Int32Array) => number): [number, number] {
  const ends = new Int32Array(2)
  expect(make(ends)).toBe(0)
  return [keep(ends[0]!), keep(ends[1]!)]
}

describe('C13 a listener that hands over', () => {
  /** What stands in the place of the two ends. */
  const WRONG: Record<string, () => number[]> = {
    'regular files': () => {
      const path = join(directory, 'file')
      return [keep(openSync(path, 'w')), keep(openSync(path, 'r+'))]
    },
    sockets: () => pair((ends) => system.socketpair(system.SOCK_SEQPACKET, ends)),
    'the ends of pipes': () => pair((ends) => system.pipe(O_NONBLOCK, ends)),
    counters: () => [keep(system.eventfd(false)), keep(system.eventfd(true))],
    'the ends the wrong way round': () => {
      const { reader, writer } = openQueue()
      return [writer, reader]
    },
    'two reading ends': () => [openQueue().reader, openQueue().reader],
    'two writing ends': () => [openQueue().writer, openQueue().writer],
    'an end for both directions': () => [openQueue().both, openQueue().writer],
    'a queue of shorter packets': () => [openQueue().reader, openQueue(SIZE - 1).writer],
    'a queue of longer packets': () => [openQueue(SIZE + 1).reader, openQueue().writer],
    'a good reading end and a device': () => [openQueue().reader, keep(openSync('/dev/null', 'w'))],
  }

  it.each(Object.entries(WRONG))('%s is refused as CORRUPT, and nothing stays open', async (_, make) => {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = mq.connect(url)
    const peer = await listener.accept()
    peer.send(hello(preface()))
    peer.send(OBJECTS, make())
    await expect(connecting).rejects.toEqual(failure('CORRUPT', 'something else than a queue'))
    // It was not confirmed.
    expect((await peer.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO])
    peer.close()
    listener.close()
  })

  it('good ends and clears O_NONBLOCK on them afterwards blocks nobody’s event loop', async () => {
    const url = fresh()
    const listener = new RawListener(url)
    const child = start(CONNECTOR, [url.href])
    try {
      const peer = await listener.accept()
      const [there, back] = [openQueue(), openQueue()]
      peer.send(hello(preface()))
      peer.send(OBJECTS, [there.reader, back.writer])
      expect(await child.line()).toBe('connected')
      for (const end of [there.reader, back.writer])
        expect(system.setStatusFlags(end, system.statusFlags(end) & ~O_NONBLOCK)).toBe(0)
      for (const command of ['receive', 'send', 'receive']) {
        child.say(command)
        expect(await child.line()).toBe('turning')
      }
      // And the end still comes through, by the socket.
      peer.close()
      expect(await child.line()).toBe('ERR_STRAIT_RESET')
    } finally {
      await child.kill()
      listener.close()
    }
  }, 60_000)
})

describe('C13 a peer that has its ends', () => {
  const ATTACKS: Record<string, [code: string, attack: (queue: number) => void]> = {
    'a packet without a kind': ['CORRUPT', (queue) => system.mqSend(queue, new Uint8Array(0), 0)],
    'a packet of a kind that there is not': [
      'CORRUPT',
      (queue) => system.mqSend(queue, Uint8Array.of(99, 1), 0),
    ],
    'a greeting once more': ['CORRUPT', (queue) => system.mqSend(queue, hello(preface()), 0)],
    'the rest of a message that it has not begun': [
      'CORRUPT',
      (queue) => system.mqSendPacket(queue, Kind.MORE, Uint8Array.of(1)),
    ],
    'the beginning of a message that is too long': [
      'TOO_LARGE',
      (queue) => system.mqSendPacket(queue, Kind.FIRST, Uint8Array.of(255, 255, 255, 255, 1)),
    ],
  }

  /** A channel of ours, and its peer, by hand. */
  async function meet() {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = mq.connect(url)
    const peer = await listener.accept()
    const [there, back] = [openQueue(), openQueue()]
    peer.send(hello(preface()))
    peer.send(OBJECTS, [there.reader, back.writer])
    const channel = await connecting
    const end = () => {
      channel.abort()
      peer.close()
      listener.close()
    }
    return { channel, peer, there, [Symbol.dispose]: end }
  }

  it.each(Object.entries(ATTACKS))('and puts %s, is found out, behind what was good', async (_, how) => {
    const [code, attack] = how
    using met = await meet()
    system.mqSendPacket(met.there.writer, Kind.DATA, Uint8Array.of(1, 2, 3))
    attack(met.there.writer)
    expect(await met.channel.receive()).toEqual(Uint8Array.of(1, 2, 3))
    await expect(met.channel.receive()).rejects.toEqual(failure(code))
    expect((await met.channel.closed).error).toEqual(failure(code))
  })

  it.each([0, 1])('and says something on the socket, of %i bytes, is CORRUPT', async (length) => {
    using met = await meet()
    const receiving = met.channel.receive()
    met.peer.send(Uint8Array.of(Kind.DATA, ...new Uint8Array(length)))
    await expect(receiving).rejects.toEqual(failure('CORRUPT'))
  })
})

describe('C13 who connects', () => {
  it('and never says that it has its ends is given up on, and nothing stays open', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await mq.listen(url, { handshakeTimeout: 200 })
    const silent = RawPeer.connect(url)
    silent.send(hello(preface()))
    expect((await silent.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO, Kind.DATA])
    expect(refusals.errors).toEqual([failure('TIMEOUT')])
    const gone = RawPeer.connect(url)
    gone.send(hello(preface()))
    gone.close()
    await refusals.count(2)
    expect(refusals.errors[1]).toEqual(failure('RESET'))
    refusals.stop()
    silent.close()
    await listener.close()
  })

  it('and brings descriptors where it should confirm is CORRUPT', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await mq.listen(url)
    const peer = RawPeer.connect(url)
    peer.send(hello(preface()))
    peer.send(OBJECTS, new Array<number>(253).fill(keep(openSync('/dev/null', 'r'))))
    await peer.rest()
    expect(refusals.errors).toEqual([failure('CORRUPT', 'descriptor')])
    refusals.stop()
    peer.close()
    await listener.close()
  })

  it('may keep its ends and its silence while others meet', async () => {
    const url = fresh()
    const listener = await mq.listen(url)
    const silent = RawPeer.connect(url)
    silent.send(hello(preface()))
    const connected = await mq.connect(url)
    const accepted = (await listener.accept())!
    await connected.send(Uint8Array.of(1))
    expect(await accepted.receive()).toEqual(Uint8Array.of(1))
    await Promise.all([connected.close(), accepted.close()])
    silent.close()
    await listener.close()
  })
})
