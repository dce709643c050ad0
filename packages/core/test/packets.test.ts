import { describe, expect, it, vi } from 'vitest'
import type { ChannelOptions } from '../src/channel.js'
import { Kind } from '../src/frame.js'
import type { Link } from '../src/link.js'
import { greetInPackets, packeted } from '../src/packets.js'
import { url, Witness } from './support/bytes.js'
import { failure, settled } from './support/link.js'
import { ScriptedPackets } from './support/packets.js'
import { pattern } from './support/random.js'

/** A link over packets, and the raw packets of the other end. */
async function greeted(
  options: ChannelOptions = {},
  maxPacketSize?: number,
): Promise<{ link: Link; near: ScriptedPackets; far: ScriptedPackets }> {
  const [near, far] = ScriptedPackets.pair(maxPacketSize)
  const [link] = await Promise.all([
    packeted(near, 'listen', url, options),
    greetInPackets(far, 'connect', url, options),
  ])
  far.inbox.length = 0
  return { link, near, far }
}

const packet = (kind: number, ...bytes: number[]) => Uint8Array.of(kind, ...bytes)
const first = (length: number, ...bytes: number[]) => packet(Kind.FIRST, length, 0, 0, 0, ...bytes)
const kinds = (packets: readonly Uint8Array[]) => packets.map(([kind]) => kind)

/** Gives a link these packets and returns what came of them. */
async function fed(
  packets: readonly Uint8Array[],
  options: ChannelOptions = {},
): Promise<{ witness: Witness; code: string | undefined; link: Link; near: ScriptedPackets }> {
  const { link, near, far } = await greeted(options)
  const witness = new Witness(link)
  for (const each of packets) far.put(each)
  await settled()
  return { witness, code: witness.ends[0]?.code, link, near }
}

describe('C1 messages in packets', () => {
  it('a message that fits is one packet, one that does not is FIRST and MORE', async () => {
    const { link, far } = await greeted({}, 100)
    for (const size of [0, 99, 100]) expect(link.write(pattern(size, size))).toBe(true)
    expect(far.inbox.map(({ length }) => length)).toEqual([1, 100, 100, 6])
    expect(kinds(far.inbox)).toEqual([Kind.DATA, Kind.DATA, Kind.FIRST, Kind.MORE])
    expect(far.inbox[2]!.subarray(1, 5)).toEqual(Uint8Array.of(100, 0, 0, 0))
    const parts = [far.inbox[2]!.subarray(5), far.inbox[3]!.subarray(1)]
    expect(new Uint8Array(Buffer.concat(parts))).toEqual(pattern(100, 100))
  })

  it('the parts of a message are one message again, also when they come alone', async () => {
    const { witness } = await fed([
      first(5, 1, 2),
      packet(Kind.MORE, 3),
      packet(Kind.MORE, 4, 5),
      packet(Kind.DATA),
      first(2),
      packet(Kind.MORE, 6, 7),
    ])
    expect(witness.messages).toEqual([Uint8Array.of(1, 2, 3, 4, 5), new Uint8Array(0), Uint8Array.of(6, 7)])
    expect(witness.ends).toEqual([])
  })

  it('a message that announces more than the limit is TOO_LARGE before there is memory for it', async () => {
    const { code, witness } = await fed([packet(Kind.FIRST, 255, 255, 255, 255)], { maxMessageSize: 1000 })
    expect(code).toBe('ERR_STRAIT_TOO_LARGE')
    expect(witness.messages).toEqual([])
  })

  it('a packet longer than the limit is TOO_LARGE', async () => {
    expect((await fed([packet(Kind.DATA, ...pattern(11, 0))], { maxMessageSize: 10 })).code).toBe(
      'ERR_STRAIT_TOO_LARGE',
    )
  })
})

describe('packets that can be looked at before they tell', () => {
  it('a look finds a message, also one whose other parts are read, and waits for what is missing', async () => {
    const { link, near, far } = await greeted()
    const looked: boolean[] = []
    near.look = (patiently) => {
      looked.push(patiently)
      return near.read()
    }
    expect(link.look?.(true)).toBeUndefined()
    far.peer.inbox.push(packet(Kind.DATA, 1), first(3, 2), packet(Kind.MORE, 3, 4), first(2, 5))
    expect(link.look?.(false)).toEqual(Uint8Array.of(1))
    expect(link.look?.(true)).toEqual(Uint8Array.of(2, 3, 4))
    expect(link.look?.(true)).toBeUndefined()
    expect(looked).toEqual([true, false, true, true])
  })

  it('a look that finds the end tells of it, and later ones ask no more', async () => {
    const { link, near, far } = await greeted()
    const witness = new Witness(link)
    let looks = 0
    near.look = () => {
      looks++
      return near.read()
    }
    far.peer.inbox.push(packet(Kind.END))
    expect(link.look?.(true)).toBeUndefined()
    expect(link.look?.(true)).toBeUndefined()
    expect(witness.ends).toEqual([undefined])
    expect(looks).toBe(1)
  })
})

describe('C13 packets that make no message', () => {
  it.each([
    ['pongs', packet(Kind.PONG), packet(Kind.PONG)],
    ['parts of one byte', packet(Kind.FIRST, 0, 0, 1, 0), packet(Kind.MORE, 1)],
  ])('do not keep the event loop from its turn: %s', async (_, begin, same) => {
    const { link, far } = await greeted()
    const witness = new Witness(link)
    // As memory is that a peer has written full: there is always one more.
    let calls = 0
    vi.spyOn(far.peer, 'read').mockImplementation(() => {
      if (calls > 100_000) throw new Error('it never stops')
      const next = calls++ === 0 ? begin : same
      far.peer.kind = next[0]!
      return next.subarray(1)
    })
    expect(link.read()).toBeUndefined()
    const before = calls
    // Behind the look that it has put off to this very turn; a timer may come before both.
    await new Promise((resolve) => setImmediate(resolve))
    expect(calls).toBeGreaterThan(before)
    expect([witness.messages, witness.ends]).toEqual([[], []])
    link.destroy()
  })
})

describe('packets whose parts go where they belong', () => {
  /** Also takes MORE packets that fit straight into a message, and says how long each was. */
  async function placing(partSize?: number) {
    const ends = await greeted({}, 100)
    const placed: number[] = []
    Object.assign(ends.near, {
      partSize,
      readPart(target: Uint8Array, offset: number) {
        const [next] = ends.far.peer.inbox
        const length = next === undefined ? 0 : next.length - 1
        if (next?.[0] !== Kind.MORE || length === 0 || length > target.length - offset) return 0
        target.set(ends.far.peer.inbox.shift()!.subarray(1), offset)
        placed.push(length)
        return length
      },
    })
    return { ...ends, placed, witness: new Witness(ends.link) }
  }

  it('a message is whole when its last part has come, and the next one is another', async () => {
    const { far, witness, placed } = await placing()
    far.put(first(5, 1, 2))
    far.put(packet(Kind.MORE, 3))
    await settled()
    expect(witness.messages).toEqual([])
    far.put(packet(Kind.MORE, 4, 5))
    far.put(first(2))
    far.put(packet(Kind.MORE, 6, 7))
    far.put(packet(Kind.DATA, 8))
    await settled()
    expect(witness.messages).toEqual([Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(6, 7), Uint8Array.of(8)])
    expect(placed).toEqual([1, 2, 2])
  })

  it.each([
    ['a part that says too much', packet(Kind.MORE, 3, 4, 5, 6)],
    ['an empty part', packet(Kind.MORE)],
    ['another message', packet(Kind.DATA, 1)],
  ])('%s ends it as CORRUPT', async (_, wrong) => {
    const { far, witness } = await placing()
    far.put(first(5, 1, 2))
    far.put(wrong)
    await settled()
    expect(witness.ends[0]?.code).toBe('ERR_STRAIT_CORRUPT')
    expect(witness.messages).toEqual([])
  })

  it('a message that does not fit is cut into parts of the size that the mechanism likes', async () => {
    const { link, far } = await placing(50)
    expect(link.write(pattern(99, 0))).toBe(true)
    expect(link.write(pattern(100, 0))).toBe(true)
    expect(far.inbox.map(({ length }) => length)).toEqual([100, 51, 51, 5])
  })
})

describe('C4 a mechanism that is full', () => {
  it('refuses a message whole, and says when there is room again', async () => {
    const { link, near, far } = await greeted()
    const witness = new Witness(link)
    near.room = 1
    expect(link.write(pattern(10, 0))).toBe(true)
    expect(link.write(pattern(10, 1))).toBe(false)
    expect(link.pending).toBe(0)
    expect(far.inbox).toHaveLength(1)
    near.open(1)
    expect(witness.writables).toBe(1)
    expect(link.write(pattern(10, 1))).toBe(true)
  })

  it.each([
    ['message', pattern(140, 0)],
    ['message in a Buffer', Buffer.from(pattern(140, 0))],
  ])('keeps its own copy of the rest of a %s, and takes no other before it has left', async (_, message) => {
    const { link, near, far } = await greeted({}, 50)
    near.room = 1
    expect(link.write(message)).toBe(true)
    message.fill(0)
    expect(link.pending).toBe(1)
    expect(link.write(pattern(1, 1))).toBe(false)
    near.open(1)
    expect(link.pending).toBe(1)
    near.open(1)
    expect(link.pending).toBe(0)
    const parts = far.inbox.map((part, index) => part.subarray(index === 0 ? 5 : 1))
    expect(new Uint8Array(Buffer.concat(parts))).toEqual(pattern(140, 0))
  })

  it('lets nothing come between the parts of a message: the end and a PONG go behind them', async () => {
    const { link, near, far } = await greeted({}, 50)
    new Witness(link)
    near.room = 1
    link.write(pattern(100, 0))
    far.put(packet(Kind.PING))
    await settled()
    let ended = false
    void link.shutdown().then(() => {
      ended = true
    })
    await settled()
    expect(ended).toBe(false)
    near.open(Number.POSITIVE_INFINITY)
    await settled()
    expect(kinds(far.inbox)).toEqual([Kind.FIRST, Kind.MORE, Kind.MORE, Kind.PONG, Kind.END])
    expect(ended).toBe(true)
  })
})

describe('C5 a mechanism that has taken a packet, which has not left', () => {
  it('is pending as long, and so is the end', async () => {
    const { link, near, far } = await greeted()
    new Witness(link)
    near.pending = true
    expect(link.write(pattern(10, 0))).toBe(true)
    expect(link.pending).toBe(1)
    near.pending = false
    near.open(1)
    expect(link.pending).toBe(0)
    let ended = false
    near.pending = true
    void link.shutdown().then(() => {
      ended = true
    })
    await settled()
    expect(kinds(far.inbox)).toEqual([Kind.DATA, Kind.END])
    expect(ended).toBe(false)
    near.pending = false
    near.open(1)
    await settled()
    expect(ended).toBe(true)
  })
})

describe('C6 C7 the end of packets', () => {
  it('END is the clean end, and a hang-up without it is RESET, behind what had come', async () => {
    const clean = await fed([packet(Kind.DATA, 1), packet(Kind.END)])
    expect(clean.witness.messages).toEqual([Uint8Array.of(1)])
    expect(clean.witness.ends).toEqual([undefined])
    const { near, far, link } = await greeted()
    const witness = new Witness(link)
    far.put(packet(Kind.DATA, 1))
    near.events.end()
    await settled()
    expect(witness.messages).toEqual([Uint8Array.of(1)])
    expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_RESET'])
  })

  it('a mechanism that finds its end while it is read is told of once', async () => {
    const { near, link } = await greeted()
    const witness = new Witness(link)
    near.read = () => {
      near.read = () => undefined
      near.events.end()
      return undefined
    }
    near.events.readable()
    expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_RESET'])
  })

  it('a hang-up in the middle of a message is TRUNCATED', async () => {
    const { witness, near } = await fed([first(5, 1, 2)])
    near.events.end()
    await settled()
    expect(witness.messages).toEqual([])
    expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_TRUNCATED'])
  })

  it('a failure of the mechanism other than RESET keeps its code', async () => {
    const { witness, near } = await fed([])
    near.events.end(failure('CORRUPT'))
    await settled()
    expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_CORRUPT'])
  })

  it('a broken outgoing side fails sends and ends the wait for shutdown, and input is still read', async () => {
    const { link, near, far } = await greeted()
    const witness = new Witness(link)
    near.room = 0
    const shutdown = link.shutdown()
    near.events.fail(failure('RESET'))
    await shutdown
    expect(witness.failures).toHaveLength(1)
    expect(link.write(pattern(1, 0))).toBe(false)
    far.put(packet(Kind.DATA, 7))
    await settled()
    expect(witness.messages).toEqual([Uint8Array.of(7)])
  })

  it('nothing is reported of a link that was destroyed, and the mechanism is released', async () => {
    const { link, near, far } = await greeted()
    const witness = new Witness(link)
    link.destroy()
    expect(near.destroyed).toBe(1)
    far.put(packet(Kind.DATA, 7))
    await settled()
    expect(witness.messages).toEqual([])
  })
})

describe('C7 packets that are none of Strait', () => {
  const HOSTILE: [string, Uint8Array[]][] = [
    ['an empty packet', [new Uint8Array(0)]],
    ['an unknown kind', [packet(99)]],
    ['CREDIT', [packet(Kind.CREDIT, 1, 0, 0, 0)]],
    ['a greeting after the greeting', [packet(Kind.HELLO, 1)]],
    ['END with a payload', [packet(Kind.END, 1)]],
    ['MORE of nothing', [packet(Kind.MORE, 1)]],
    ['a FIRST that is cut', [packet(Kind.FIRST, 1, 0)]],
    ['FIRST inside a message', [first(5, 1), first(5, 1)]],
    ['DATA inside a message', [first(5, 1), packet(Kind.DATA, 1)]],
    ['END inside a message', [first(5, 1), packet(Kind.END)]],
    ['MORE that says nothing', [first(5, 1), packet(Kind.MORE)]],
    ['more than was announced', [first(2, 1), packet(Kind.MORE, 2, 3)]],
    ['more at once than was announced', [first(1, 1, 2)]],
  ]

  it.each(HOSTILE)('%s is CORRUPT, and nothing of it is delivered', async (_, packets) => {
    const { code, witness } = await fed(packets)
    expect(code).toBe('ERR_STRAIT_CORRUPT')
    expect(witness.messages).toEqual([])
    expect(witness.ends).toHaveLength(1)
  })
})

describe('blocking over packets', () => {
  it('waits for input where asked to, for room only where somebody waits for it, and else not at all', async () => {
    const { link, near } = await greeted({}, 50)
    link.wait!(false, 50)
    expect(near.waits).toEqual([])
    link.wait!(true, 50)
    expect(near.waits).toEqual([{ reading: true, writing: false }])
    near.room = 1
    link.write(pattern(100, 0))
    link.wait!(false, 50)
    expect(near.waits[1]).toEqual({ reading: false, writing: true })
    near.open(Number.POSITIVE_INFINITY)
    link.wait!(false, 50)
    expect(near.waits).toHaveLength(2)
    near.room = 0
    expect(link.write(pattern(1, 0))).toBe(false)
    link.wait!(true, 50)
    expect(near.waits[2]).toEqual({ reading: true, writing: true })
  })
})

describe('C14 idleTimeout over packets', () => {
  it('pings a peer that is silent, is content with a PONG, and gives up without one', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const { link, far } = await greeted({ idleTimeout: 1000 })
      const witness = new Witness(link)
      await settled()
      for (let round = 0; round < 5; round++) {
        vi.advanceTimersByTime(2000)
        far.put(packet(Kind.PONG))
        await settled()
      }
      expect(witness.ends).toEqual([])
      expect(kinds(far.inbox)).toContain(Kind.PING)
      vi.advanceTimersByTime(3000)
      expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_TIMEOUT'])
      link.destroy()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the greeting in packets', () => {
  it.each([
    ['something else', packet(Kind.DATA, 1)],
    ['nothing', new Uint8Array(0)],
  ])('%s instead of a greeting is CORRUPT, and the mechanism is released', async (_, sent) => {
    const [near, far] = ScriptedPackets.pair()
    const greeting = packeted(near, 'listen', url, {})
    far.put(sent)
    await expect(greeting).rejects.toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
    expect(near.destroyed).toBe(1)
  })

  it('goes on when there is room again', async () => {
    const [near, far] = ScriptedPackets.pair()
    near.room = 0
    far.room = 0
    const both = Promise.all([packeted(near, 'listen', url, {}), packeted(far, 'connect', url, {})])
    await settled()
    expect([near.inbox, far.inbox]).toEqual([[], []])
    near.open(Number.POSITIVE_INFINITY)
    far.open(Number.POSITIVE_INFINITY)
    const [a, b] = await both
    a.write(pattern(10, 1))
    expect(new Witness(b).messages).toEqual([pattern(10, 1)])
  })

  it('leaves what comes behind it unread', async () => {
    const [near, far] = ScriptedPackets.pair()
    await Promise.all([
      greetInPackets(near, 'listen', url, {}),
      packeted(far, 'connect', url, {}).then((link) => link.write(pattern(10, 1))),
    ])
    expect(near.read()).toEqual(pattern(10, 1))
    expect(near.kind).toBe(Kind.DATA)
  })
})
