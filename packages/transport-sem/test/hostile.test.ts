import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BlockingChannel, Kind } from '@strait/core'
import { native, type Seal, SharedMemory } from '@strait/posix'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { type Child, start } from '../../core/test/support/child.js'
import { turns } from '../../core/test/support/leftovers.js'
import { failure, Refusals } from '../../rendezvous/test/support/ends.js'
import { hello, RawListener, RawPeer } from '../../rendezvous/test/support/raw.js'
import { sem } from '../src/index.js'
import { fill, fresh, nothingIsLeft } from './support/ends.js'
import { IN, ITEMS, OUT, RawEnd, SPACES } from './support/raw.js'

const VICTIM = new URL('./support/victim.mjs', import.meta.url)
const SCRIBBLER = new URL('./support/scribbler.mjs', import.meta.url)
const SEALS: readonly Seal[] = ['shrink', 'grow', 'seal']
const SIZE = native().SLOTS_SIZE
const GOOD = Uint8Array.of(1, 2, 3)
const NONE = new Uint8Array(0)

nothingIsLeft()

describe('C13 a listener that hands over', () => {
  let directory: string
  let opened: number[]
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'strait-hostile-'))
    opened = []
  })
  afterEach(() => {
    for (const descriptor of opened) native().close(descriptor)
    rmSync(directory, { recursive: true })
  })

  const keep = (descriptor: number) => {
    expect(descriptor).toBeGreaterThanOrEqual(0)
    opened.push(descriptor)
    return descriptor
  }
  function memory(seals: readonly Seal[], size = SIZE): number {
    using made = SharedMemory.anonymous(size, { seals })
    return keep(native().duplicate(made.descriptor))
  }

  /** What becomes of a `connect` to whom this is handed over, and whether it said that it has it. */
  async function handOver(descriptor: number): Promise<{ outcome: unknown; confirmed: boolean }> {
    const url = fresh()
    const listener = new RawListener(url)
    const connecting = sem.connect(url).then(
      (channel) => channel.abort(),
      (error) => error,
    )
    const peer = await listener.accept()
    peer.send(hello(preface()))
    peer.send(Uint8Array.of(Kind.DATA), [descriptor])
    const outcome = await connecting
    const answers = (await peer.rest()).map(([kind]) => kind)
    peer.close()
    listener.close()
    return { outcome, confirmed: answers.includes(Kind.DATA) }
  }

  it.each([0, 1, 100_000])('sealed memory, and %i bytes more, is confirmed', async (more) => {
    expect(await handOver(memory(SEALS, SIZE + more))).toEqual({ outcome: undefined, confirmed: true })
  })

  const WRONG: Record<string, () => number> = {
    'memory that is too short': () => memory(SEALS, SIZE - 1),
    'memory that is not sealed': () => memory([]),
    'memory that may shrink': () => memory(['grow', 'seal']),
    'memory that may get more seals': () => memory(['shrink', 'grow']),
    'memory that may not be written': () => memory([...SEALS, 'write']),
    'a file': () => {
      writeFileSync(join(directory, 'file'), new Uint8Array(SIZE))
      return keep(openSync(join(directory, 'file'), 'r+'))
    },
    'a device': () => keep(openSync('/dev/zero', 'r+')),
    'a counter': () => keep(native().eventfd(false)),
  }
  it.each(Object.entries(WRONG))('%s is refused as CORRUPT, and nothing stays open', async (_, make) => {
    const { outcome, confirmed } = await handOver(make())
    expect(outcome).toEqual(failure('CORRUPT', 'something else than sealed memory'))
    expect(confirmed).toBe(false)
  })
})

/** What a peer does, and what the channel ends with. */
type Attack = (peer: RawEnd) => void

const INCOMING: Record<string, [attack: Attack, code?: string]> = {
  'a permit for a slot that is empty': [(peer) => peer.give(OUT + ITEMS)],
  'more permits than there are slots': [
    (peer) => {
      peer.give(OUT + ITEMS)
      peer.words[OUT + ITEMS] = 0xffff_fff0
    },
  ],
  'a length beyond the slot': [
    (peer) => {
      peer.head(4096 + 2)
      peer.give(OUT + ITEMS)
    },
  ],
  'a length beyond everything': [
    (peer) => {
      peer.head(0xffff_ffff)
      peer.give(OUT + ITEMS)
    },
  ],
  'a kind that is no byte': [
    (peer) => {
      peer.head(4, 256)
      peer.give(OUT + ITEMS)
    },
  ],
  'a kind that there is not': [(peer) => void peer.send(99 as Kind, GOOD)],
  'a greeting once more': [(peer) => void peer.send(Kind.HELLO, GOOD)],
  'the rest of a message that it has not begun': [(peer) => void peer.send(Kind.MORE, GOOD)],
  'the beginning of a message that is too long': [
    (peer) => void peer.send(Kind.FIRST, Uint8Array.of(255, 255, 255, 255, 1)),
    'TOO_LARGE',
  ],
  'more spaces than there are slots': [
    (peer) => {
      peer.words[OUT + SPACES] = 0xffff_ffff
      peer.send(Kind.DATA, GOOD)
    },
  ],
}

const OUTGOING: Record<string, Attack> = {
  'spaces that are not free': (peer) => {
    peer.give(IN + SPACES)
    peer.words[IN + SPACES] = 0x7fff_0000
  },
  'more items than there are slots': (peer) => {
    peer.words[IN + ITEMS] = 0x7fff_ffff
    // Slots that seem to be free.
    for (let slot = 0; slot < 16; slot++) peer.words[IN + 32 + slot * (4104 / 4)] = 0
    peer.give(IN + SPACES)
  },
}

describe('C13 a peer that has the memory', () => {
  let channel: BlockingChannel
  let peer: RawEnd
  beforeEach(async () => {
    const url = fresh()
    const listener = await sem.listen(url, { maxMessageSize: 100_000 })
    peer = await RawEnd.connect(url)
    channel = (await listener.accept())!
    await listener.close()
  })
  afterEach(() => {
    channel.abort()
    peer.close()
  })

  it('and does as it should is one', async () => {
    peer.send(Kind.DATA, GOOD)
    peer.send(Kind.FIRST, Uint8Array.of(3, 0, 0, 0, 97))
    peer.send(Kind.MORE, Uint8Array.of(98, 99))
    peer.send(Kind.END, NONE)
    const received: Uint8Array[] = []
    for await (const message of channel) received.push(message)
    expect(received).toEqual([GOOD, Uint8Array.of(97, 98, 99)])
  })

  it.each(Object.entries(INCOMING))(
    'and gives %s, is found out, behind what was good',
    async (_, [attack, code = 'CORRUPT']) => {
      const receiving = channel.receive()
      peer.send(Kind.DATA, GOOD)
      expect(await receiving).toEqual(GOOD)
      const refused = expect(channel.receive()).rejects.toEqual(failure(code))
      attack(peer)
      await refused
      expect((await channel.closed).error).toEqual(failure(code))
      expect(() => channel.trySend(GOOD)).toThrow(failure(code))
      await peer.gone
    },
  )

  it.each(Object.entries(INCOMING))(
    'and gives %s, is found out by a thread that blocks',
    async (_, [attack, code = 'CORRUPT']) => {
      peer.send(Kind.DATA, GOOD)
      expect(channel.receiveSync({ timeout: 10_000 })).toEqual(GOOD)
      attack(peer)
      expect(() => channel.receiveSync({ timeout: 10_000 })).toThrow(failure(code))
    },
  )

  it.each(Object.entries(OUTGOING))('and gives %s, is found out by who waits for room', async (_, attack) => {
    fill(channel, GOOD)
    const refused = expect(channel.send(GOOD)).rejects.toEqual(failure('CORRUPT'))
    await turns()
    attack(peer)
    await refused
    expect((await channel.closed).error).toEqual(failure('CORRUPT'))
    await peer.gone
  })

  it('and spoils the words by which libc knows whom to wake, spoils nothing', async () => {
    // With sem_post(3) and sem_wait(3) the process would be gone.
    for (const at of [IN + SPACES, IN + ITEMS, OUT + SPACES, OUT + ITEMS])
      for (const word of [2, 3, 4, 7]) peer.words[at + word] = 0xdead
    const receiving = channel.receive()
    await turns()
    peer.send(Kind.DATA, GOOD)
    expect(await receiving).toEqual(GOOD)
    expect(fill(channel, GOOD)).toBe(16)
    expect(() => channel.sendSync(GOOD, { timeout: 60 })).toThrow(failure('TIMEOUT'))
  })

  it('and says that nobody waits, can keep a message from coming, but no abort', async () => {
    const receiving = expect(channel.receive()).rejects.toEqual(failure('ABORTED'))
    await turns()
    for (const at of [IN + SPACES, OUT + ITEMS]) peer.words[at + 1] = 0
    peer.send(Kind.DATA, GOOD)
    const controller = new AbortController()
    const closing = channel.close({ signal: controller.signal })
    controller.abort()
    await closing.catch(() => {})
    await receiving.catch(() => {})
    expect(channel.state).toBe('closed')
  })

  it('and takes permits away again and again, keeps nobody from turning', async () => {
    const receiving = channel.receive()
    for (let round = 0; round < 100; round++) {
      peer.give(OUT + ITEMS)
      peer.words[OUT + ITEMS] = 0
      await turns(1)
    }
    peer.send(Kind.DATA, GOOD)
    // Unless one of them was seen: then it is CORRUPT.
    const outcome = await receiving.catch((error) => error)
    expect([GOOD, failure('CORRUPT')]).toContainEqual(outcome)
  })

  it('and says something on the socket, is CORRUPT', async () => {
    const receiving = channel.receive()
    peer.say()
    await expect(receiving).rejects.toEqual(failure('CORRUPT', 'control socket'))
  })
})

describe('C13 a peer that scribbles', () => {
  let victim: Child
  let url: URL
  beforeAll(async () => {
    url = fresh()
    victim = start(VICTIM, [url.href])
    expect(await victim.line()).toBe('listening')
  })
  afterAll(() => victim.kill())

  const WAYS = ['receive', 'send', 'receive send', 'receiveSync', 'sendSync']
  it.each(WAYS)(
    'all over the memory, ends no process and no event loop that does: %s',
    async (way) => {
      for (let seed = 1; seed <= 8; seed++) {
        victim.say(way)
        const scribbler = start(SCRIBBLER, [url.href, String(seed * 7919), '4000'])
        expect(await victim.line()).toBe('ready')
        expect(await victim.line()).toMatch(/^(end|ERR_STRAIT_(CORRUPT|RESET|TRUNCATED|TOO_LARGE|CLOSED))$/)
        expect((await scribbler.exit).code).toBe(0)
      }
    },
    120_000,
  )
})

describe('C13 who connects', () => {
  it('and never says that it has the memory is given up on, and nothing stays open', async () => {
    const url = fresh()
    const refusals = new Refusals()
    const listener = await sem.listen(url, { handshakeTimeout: 200 })
    const silent = RawPeer.connect(url)
    silent.send(hello(preface()))
    expect((await silent.rest()).map(([kind]) => kind)).toEqual([Kind.HELLO, Kind.DATA])
    expect(refusals.errors).toEqual([failure('TIMEOUT')])
    refusals.stop()
    silent.close()
    await listener.close()
  })
})
