import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BaseChannel } from '../src/base-channel.js'
import type { StraitError } from '../src/error.js'
import { Kind } from '../src/frame.js'
import { mem } from '../src/mem.js'
import { greetInPackets, packeted } from '../src/packets.js'
import { url } from './support/bytes.js'
import { settled } from './support/link.js'
import { ScriptedPackets } from './support/packets.js'

const IDLE = 1_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A channel over packets of which nobody tells: they are only found by looking. */
async function untold() {
  const [near, far] = ScriptedPackets.pair()
  const [link] = await Promise.all([
    packeted(near, 'listen', url, { idleTimeout: IDLE }),
    greetInPackets(far, 'connect', url, {}),
  ])
  near.look = () => near.read()
  const channel = new BaseChannel(link, { url, capabilities: mem.capabilities })
  let failure: StraitError | undefined
  void channel.closed.then(({ error }) => {
    failure = error
  })
  /** It lies there, and `readable` has not told. */
  const put = (kind: number, ...bytes: number[]) => void near.inbox.push(Uint8Array.of(kind, ...bytes))
  const pings = () => far.inbox.filter(([kind]) => kind === Kind.PING).length
  far.inbox.length = 0
  return { near, channel, put, pings, failure: () => failure }
}

describe('C14 idleTimeout where messages are found by looking', () => {
  it('a peer whose messages are found is not silent, and not asked', async () => {
    const { channel, put, pings, failure } = await untold()
    for (let round = 0; round < 20; round++) {
      put(Kind.DATA, round)
      expect(channel.tryReceive()).toEqual(Uint8Array.of(round))
      vi.advanceTimersByTime(IDLE)
    }
    await settled()
    expect(failure()).toBeUndefined()
    expect(pings()).toBe(0)
    channel.abort()
  })

  it('so it is when a receive finds them, or waits for none of them', async () => {
    const { channel, put, pings, failure } = await untold()
    for (let round = 0; round < 20; round++) {
      put(Kind.DATA, round)
      expect(await channel.receive()).toEqual(Uint8Array.of(round))
      vi.advanceTimersByTime(IDLE)
    }
    await settled()
    expect(failure()).toBeUndefined()
    expect(pings()).toBe(0)
    channel.abort()
  })

  it('its answer to a ping is heard when looking finds it', async () => {
    const { channel, put, pings, failure } = await untold()
    expect(channel.tryReceive()).toBeUndefined()
    for (let round = 1; round <= 10; round++) {
      vi.advanceTimersByTime(IDLE)
      while (pings() < round) vi.advanceTimersByTime(IDLE)
      put(Kind.PONG)
      expect(channel.tryReceive()).toBeUndefined()
    }
    await settled()
    expect(failure()).toBeUndefined()
    expect(channel.state).toBe('open')
    channel.abort()
  })

  it('so is a part of a message that the mechanism puts in its place itself', async () => {
    const { near, channel, put, failure } = await untold()
    Object.assign(near, {
      readPart(target: Uint8Array, offset: number) {
        if (near.inbox[0]?.[0] !== Kind.MORE) return 0
        const part = near.inbox.shift()!.subarray(1)
        target.set(part, offset)
        return part.length
      },
    })
    put(Kind.FIRST, 12, 0, 0, 0, 1, 2)
    expect(channel.tryReceive()).toBeUndefined()
    for (let part = 0; part < 9; part++) {
      vi.advanceTimersByTime(IDLE)
      put(Kind.MORE, part)
      expect(channel.tryReceive()).toBeUndefined()
    }
    vi.advanceTimersByTime(IDLE)
    put(Kind.MORE, 9)
    expect(channel.tryReceive()).toHaveLength(12)
    await settled()
    expect(failure()).toBeUndefined()
    channel.abort()
  })

  it('one that is silent is given up all the same', async () => {
    const { channel, pings, failure } = await untold()
    for (let round = 0; round < 3; round++) {
      if (failure() === undefined && channel.state === 'open') expect(channel.tryReceive()).toBeUndefined()
      vi.advanceTimersByTime(IDLE)
    }
    await settled()
    expect(pings()).toBe(1)
    expect(failure()?.code).toBe('ERR_STRAIT_TIMEOUT')
  })
})
