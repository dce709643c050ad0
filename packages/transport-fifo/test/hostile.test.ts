import { constants, mkdtempSync, openSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kind } from '@strait/core'
import { native } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { start } from '../../core/test/support/child.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { failure, fresh, Refusals } from '../../rendezvous/test/support/ends.js'
import { hello, RawListener, RawPeer } from '../../rendezvous/test/support/raw.js'
import { fifo } from '../src/index.js'

const CONNECTOR = new URL('./support/connector.mjs', import.meta.url)
const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants
const system = native()
const OBJECTS = Uint8Array.of(0)

let before: string[]
let directory: string
let opened: number[]
beforeEach(() => {
  before = descriptors()
  directory = mkdtempSync(join(tmpdir(), 'strait-hostile-'))
  opened = []
})
afterEach(async () => {
  for (const descriptor of opened) system.close(descriptor)
  rmSync(directory, { recursive: true })
  await turns(10)
  expect(descriptors().filter((each) => !before.includes(each))).toEqual([])
})

const keep = (descriptor: number) => {
  expect(descriptor).toBeGreaterThanOrEqual(0)
  opened.push(descriptor)
  return descriptor
}

/** Both ends of a FIFO without a name. */
function openFifo(): { reader: number; writer: number } {
  const path = join(directory, 'fifo')
  expect(system.mkfifo(path, 0o600)).toBe(0)
  const reader = keep(system.open(path, O_RDONLY | O_NONBLOCK, 0))
  const writer = keep(system.open(path, O_WRONLY | O_NONBLOCK, 0))
  unlinkSync(path)
  return { reader, writer }
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
    'a directory': () => [keep(openSync(directory, 'r')), openFifo().writer],
    sockets: () => pair((ends) => system.socketpair(system.SOCK_STREAM, ends)),
    'the ends the wrong way round': () => {
      const { reader, writer } = openFifo()
      return [writer, reader]
    },
    'two reading ends': () => [openFifo().reader, openFifo().reader],
    'two writing ends': () => [openFifo().writer, openFifo().writer],
    'an end for both directions': () => {
      const path = join(directory, 'both')
      system.mkfifo(path, 0o600)
      return [keep(system.open(path, O_RDWR | O_NONBLOCK, 0)), openFifo().writer]
    },
    'the wrong end of a pipe': () => {
      const [, writer] = pair((ends) => system.pipe(O_NONBLOCK, ends))
      return [writer, openFifo().writer]
    },
    'a good reading end and a device': () => [openFifo().reader, keep(openSync('/dev/null', 'w'))],
    'the listening socket of somebody': () => {
      const socket = keep(system.socket(system.SOCK_STREAM))
      return [socket, socket]
    },
  }

  it.each(Object.entries(WRONG))('%s is refused as CORRUPT, and nothing stays open', async (_, make) => {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = fifo.connect(url)
    const peer = await listener.accept()
    peer.send(hello(preface()))
    peer.send(OBJECTS, make())
    await expect(connecting).rejects.toEqual(failure('CORRUPT', 'something else than a FIFO'))
    // It was not confirmed.
    expect((await peer.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO])
    peer.close()
    listener.close()
  })

  it('an end whose other end is gone is RESET', async () => {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = fifo.connect(url)
    const peer = await listener.accept()
    const { reader, writer } = openFifo()
    const other = openFifo()
    peer.send(hello(preface()))
    peer.send(OBJECTS, [other.reader, writer])
    opened.splice(opened.indexOf(reader), 1)
    system.close(reader)
    await expect(connecting).rejects.toEqual(failure('RESET', 'went away'))
    peer.close()
    listener.close()
  })

  it('good ends and clears O_NONBLOCK on them afterwards blocks nobody’s event loop', async () => {
    const url = fresh()
    const listener = new RawListener(url)
    const child = start(CONNECTOR, [url.href])
    try {
      const peer = await listener.accept()
      const [there, back] = [openFifo(), openFifo()]
      peer.send(hello(preface()))
      peer.send(OBJECTS, [there.reader, back.writer])
      expect(await child.line()).toBe('connected')
      for (const end of [there.reader, back.writer])
        expect(system.setStatusFlags(end, system.statusFlags(end) & ~O_NONBLOCK)).toBe(0)
      for (const command of ['receive', 'send', 'receive']) {
        child.say(command)
        expect(await child.line()).toBe('turning')
      }
      // And the end still comes through, to whom the hostile one has left the ends.
      peer.close()
      for (const descriptor of opened.splice(0)) system.close(descriptor)
      expect(await child.line()).toBe('ERR_STRAIT_RESET')
    } finally {
      await child.kill()
      listener.close()
    }
  }, 60_000)
})

describe('C13 who connects', () => {
  it('and never says that it has its ends is given up on, and nothing stays open', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await fifo.listen(url, { handshakeTimeout: 200 })
    const silent = RawPeer.connect(url)
    silent.send(hello(preface()))
    expect((await silent.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO, 0])
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
    const listener = await fifo.listen(url)
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
    const listener = await fifo.listen(url)
    const silent = RawPeer.connect(url)
    silent.send(hello(preface()))
    const connected = await fifo.connect(url)
    const accepted = (await listener.accept())!
    await connected.send(Uint8Array.of(1))
    expect(await accepted.receive()).toEqual(Uint8Array.of(1))
    await Promise.all([connected.close(), accepted.close()])
    silent.close()
    await listener.close()
  })
})
