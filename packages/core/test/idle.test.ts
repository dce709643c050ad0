import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BaseChannel } from '../src/base-channel.js'
import { Kind } from '../src/frame.js'
import { mem } from '../src/mem.js'
import { frame, greeted, type ScriptedBytes, url, Witness } from './support/bytes.js'
import { pattern } from './support/random.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const kinds = (bytes: ScriptedBytes) => bytes.left.map((frame) => frame[0])

describe('C14 idleTimeout on a byte stream', () => {
  it('a peer that is silent is pinged, and given up when it stays silent as long again', async () => {
    const { bytes, link } = await greeted({ idleTimeout: 1000 })
    const witness = new Witness(link)
    vi.advanceTimersByTime(2000)
    expect(kinds(bytes)).toEqual([Kind.PING])
    expect(witness.ends).toEqual([])
    vi.advanceTimersByTime(1000)
    expect(witness.ends.map((error) => error?.code)).toEqual(['ERR_STRAIT_TIMEOUT'])
  })

  it('a PONG, or anything else, keeps it', async () => {
    const { bytes, link } = await greeted({ idleTimeout: 1000 })
    const witness = new Witness(link)
    for (let round = 0; round < 10; round++) {
      vi.advanceTimersByTime(2000)
      bytes.deliver(round % 2 === 0 ? frame(Kind.PONG) : frame(Kind.DATA, pattern(1, round)))
    }
    expect(witness.ends).toEqual([])
    expect(witness.messages).toHaveLength(5)
  })

  it('half a message is a sign of life too', async () => {
    const { bytes, link } = await greeted({ idleTimeout: 1000 })
    const witness = new Witness(link)
    for (const byte of frame(Kind.DATA, pattern(5, 5))) {
      vi.advanceTimersByTime(2000)
      bytes.deliver(Uint8Array.of(byte))
    }
    expect(witness.ends).toEqual([])
    expect(witness.messages).toEqual([pattern(5, 5)])
  })

  it('a program that does not read what lies there does not take its peer for dead', async () => {
    const { bytes, link } = await greeted({ idleTimeout: 1000 })
    const channel = new BaseChannel(link, { url, capabilities: mem.capabilities })
    bytes.deliver(
      frame(Kind.DATA, pattern(1, 1)),
      frame(Kind.DATA, pattern(2, 2)),
      frame(Kind.DATA, pattern(3, 3)),
    )
    vi.advanceTimersByTime(60_000)
    expect(channel.state).toBe('open')
    for (const size of [1, 2, 3]) expect(await channel.receive()).toEqual(pattern(size, size))
    channel.abort()
  })

  it('no timer is left when the link is destroyed, and none is there without the option', async () => {
    const { link } = await greeted({ idleTimeout: 1000 })
    expect(vi.getTimerCount()).toBe(1)
    link.destroy()
    expect(vi.getTimerCount()).toBe(0)
    await greeted()
    expect(vi.getTimerCount()).toBe(0)
  })
})
