import { closeSync, openSync } from 'node:fs'
import { type ChannelOptions, greetInPackets, Kind } from '@strait/core'
import { native } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { random } from '../../core/test/support/random.js'
import { connectControl, type Objects, receiveObjects } from '../src/index.js'
import { connect, failure, fresh, listen, Refusals } from './support/ends.js'
import { hello, RawListener, RawPeer } from './support/raw.js'

const EMPTY = new Uint8Array(0)
const GREETING = hello(preface())
const MOST = 253

let file: number
let before: string[]
let refusals: Refusals

beforeEach(() => {
  file = openSync('/dev/null', 'r')
  before = descriptors()
  refusals = new Refusals()
})
afterEach(async () => {
  refusals.stop()
  await turns(20)
  const gained = descriptors().filter((each) => !before.includes(each))
  closeSync(file)
  expect(gained).toEqual([])
})

const many = (count = MOST) => new Array<number>(count).fill(file)

/** The stages at which a peer can bring what it was not asked for: what it sends, the last of it with descriptors. */
const STAGES: Record<string, readonly Uint8Array[]> = {
  'with the greeting': [GREETING],
  'with a part of the greeting': [hello(preface().subarray(0, 8)), hello(preface().subarray(8))],
  'with an empty packet instead of the greeting': [EMPTY],
  'with an empty step of the greeting': [hello(EMPTY)],
  'with a packet of no known kind': [Uint8Array.of(99)],
  'with a message': [GREETING, Uint8Array.of(Kind.DATA, 1)],
  'with an empty message': [GREETING, Uint8Array.of(Kind.DATA)],
  'with an empty packet behind the greeting': [GREETING, EMPTY],
  'with the first part of a message': [GREETING, Uint8Array.of(Kind.FIRST, 2, 0, 0, 0, 1)],
  'with a further part': [GREETING, Uint8Array.of(Kind.FIRST, 2, 0, 0, 0, 1), Uint8Array.of(Kind.MORE, 1)],
  'with a ping': [GREETING, Uint8Array.of(Kind.PING)],
  'with the end': [GREETING, Uint8Array.of(Kind.END)],
  'with a packet that is too long': [GREETING, new Uint8Array(40_000)],
}

function sendAll(peer: RawPeer, packets: readonly Uint8Array[], passed: readonly number[]): void {
  for (const packet of packets.slice(0, -1)) peer.send(packet)
  peer.send(packets.at(-1)!, passed)
}

describe('C13 descriptors that a listener did not ask for', () => {
  it.each(Object.entries(STAGES))('%s end the conversation, and none stays open', async (_, packets) => {
    const url = fresh()
    const listener = await listen(url)
    for (const passed of [many(), many(1)]) {
      const peer = RawPeer.connect(url)
      sendAll(peer, packets, passed)
      if (packets.length === 1 || packets[1]![0] === Kind.HELLO) {
        await peer.rest()
        expect(refusals.errors.at(-1)).toEqual(failure('CORRUPT'))
      } else {
        const channel = (await listener.accept())!
        expect((await channel.closed).error).toEqual(failure('CORRUPT'))
      }
      await turns(5)
      // Both ends are closed on this side; only the hostile one's own is still there.
      expect(descriptors().filter((each) => each.includes('/dev/null'))).toHaveLength(
        before.filter((each) => each.includes('/dev/null')).length,
      )
      peer.close()
    }
    await listener.close()
  })

  it('with the proof of a key end it too', async () => {
    const url = fresh()
    const listener = await listen(url, { key: 'secret' })
    const peer = RawPeer.connect(url)
    peer.send(hello(preface({ flags: 1, nonce: new Uint8Array(32) })))
    peer.send(hello(new Uint8Array(32)), many())
    await peer.rest()
    expect(refusals.errors).toEqual([failure('CORRUPT', 'descriptor')])
    peer.close()
    await listener.close()
  })
})

describe('what a listener hands over', () => {
  /** Connects to a hand-made listener and waits for two descriptors. */
  async function meeting(
    script: (peer: RawPeer) => void | Promise<void>,
    options: ChannelOptions = {},
  ): Promise<Objects> {
    const url = fresh()
    const listener = new RawListener(url)
    const { packets } = connectControl(url, {})
    const objects = (async () => {
      await greetInPackets(packets, 'connect', url, options)
      try {
        return await receiveObjects(packets, 2, url, options)
      } finally {
        packets.destroy()
      }
    })()
    objects.catch(() => {})
    const peer = await listener.accept()
    try {
      await script(peer)
      return await objects
    } finally {
      peer.close()
      listener.close()
    }
  }

  it('is exactly the descriptors that were agreed on', async () => {
    const { parameters, descriptors: passed } = await meeting((peer) => {
      peer.send(GREETING)
      peer.send(Uint8Array.of(0, 1, 2, 3), many(2))
    })
    expect(parameters).toEqual(Uint8Array.of(1, 2, 3))
    expect(passed).toHaveLength(2)
    for (const each of passed) expect(native().close(each)).toBe(0)
  })

  it.each([0, 1, 3, 4, MOST])('of another number, %i, is CORRUPT, and none stays open', async (count) => {
    const objects = meeting((peer) => {
      peer.send(GREETING)
      peer.send(Uint8Array.of(0), many(count))
    })
    await expect(objects).rejects.toEqual(failure('CORRUPT', 'descriptor'))
  })

  it.each([1, 2, MOST])('in an empty packet, %i of them, is CORRUPT, and none stays open', async (count) => {
    const objects = meeting((peer) => {
      peer.send(GREETING)
      peer.send(EMPTY, many(count))
    })
    await expect(objects).rejects.toEqual(failure('CORRUPT', 'descriptor'))
  })

  it('before or with the greeting is CORRUPT', async () => {
    await expect(meeting((peer) => void peer.send(GREETING, many(2)))).rejects.toEqual(failure('CORRUPT'))
    const early = meeting((peer) => {
      peer.send(Uint8Array.of(0), many(2))
      peer.send(GREETING)
    })
    await expect(early).rejects.toEqual(failure('CORRUPT'))
  })

  it('in a packet that is too long is CORRUPT', async () => {
    const objects = meeting((peer) => {
      peer.send(GREETING)
      peer.send(new Uint8Array(50_000), many(2))
    })
    await expect(objects).rejects.toEqual(failure('CORRUPT', 'too long'))
  })

  it('twice is taken once; the rest goes with the socket', async () => {
    const { descriptors: passed } = await meeting((peer) => {
      peer.send(GREETING)
      for (let round = 0; round < 5; round++) peer.send(Uint8Array.of(0), many(MOST))
    }).catch(() => ({ descriptors: [] as number[] }))
    expect(passed).toEqual([])
  })

  it('never when it hangs up, before the greeting or behind it', async () => {
    await expect(meeting((peer) => peer.close())).rejects.toEqual(failure('REFUSED'))
    const behind = meeting((peer) => {
      peer.send(GREETING)
      peer.close()
    })
    await expect(behind).rejects.toEqual(failure('RESET', 'went away'))
  })

  it('never when it says nothing any more: TIMEOUT, or ABORTED by whoever waits', async () => {
    const greet = (peer: RawPeer) => void peer.send(GREETING)
    await expect(meeting(greet, { handshakeTimeout: 50 })).rejects.toEqual(failure('TIMEOUT'))
    const controller = new AbortController()
    const aborted = meeting(
      async (peer) => {
        peer.send(GREETING)
        await peer.receive()
        await turns(5)
        controller.abort()
      },
      { signal: controller.signal },
    )
    await expect(aborted).rejects.toEqual(failure('ABORTED'))
  })
})

describe('random packets', () => {
  const KINDS = Object.values(Kind)
  const SEED = 4

  /** Packets that a broken or hostile peer might send; some begin as right ones do, some bring descriptors. */
  function* packets(next: () => number): Generator<[Uint8Array, number]> {
    const count = 1 + Math.floor(next() * 6)
    for (let i = 0; i < count; i++) {
      const length = Math.floor(next() ** 4 * 40_000)
      const bytes = Uint8Array.from({ length }, () => next() * 256)
      if (next() < 0.7 && length > 0) bytes[0] = KINDS[Math.floor(next() * KINDS.length)]!
      yield [bytes, next() < 0.3 ? 1 + Math.floor(next() * MOST) : 0]
    }
  }

  it.each(['before the greeting', 'in the middle of it', 'behind it'])(
    'from who connects, %s, end in an error or a message, never in a crash or a leak',
    async (when) => {
      const next = random(SEED)
      const url = fresh()
      const listener = await listen(url, { handshakeTimeout: 200 })
      const ends: Promise<unknown>[] = []
      void (async () => {
        for await (const channel of listener) {
          ends.push(channel.closed)
          void (async () => {
            for await (const message of channel) void message
          })().catch(() => {})
        }
      })()
      for (let round = 0; round < 200; round++) {
        const peer = RawPeer.connect(url)
        if (when === 'in the middle of it')
          peer.send(hello(preface().subarray(0, 1 + Math.floor(next() * 14))))
        if (when === 'behind it') peer.send(GREETING)
        for (const [bytes, passed] of packets(next)) peer.send(bytes, many(passed))
        if (round % 2 === 0) await turns(1)
        peer.close()
      }
      // Whoever comes behind them all finds everything as it was.
      const connected = await connect(url)
      await connected.close()
      await Promise.all(ends)
      await listener.close()
    },
  )

  it('from who listens end in an error, never in a crash or a leak', async () => {
    const next = random(SEED + 1)
    const url = fresh()
    const listener = new RawListener(url)
    for (let round = 0; round < 200; round++) {
      const connecting = connect(url, { handshakeTimeout: 100 })
      connecting.catch(() => {})
      const peer = await listener.accept()
      const greeted = round % 2 === 0
      if (greeted) peer.send(GREETING)
      for (const [bytes, passed] of packets(next)) peer.send(bytes, many(passed))
      peer.close()
      const channel = await connecting.catch(() => undefined)
      if (channel === undefined) continue
      await (async () => {
        for await (const message of channel) void message
      })().catch(() => {})
      await channel.closed
    }
    listener.close()
  })
})
