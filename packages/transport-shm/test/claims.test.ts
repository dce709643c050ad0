import { describe, expect, it } from 'vitest'
import { failure } from '../../rendezvous/test/support/ends.js'
import type { ShmChannel } from '../src/index.js'
import { fill, nothingIsLeft, settledOr, text, two, utf8 } from './support/ends.js'

nothingIsLeft()

/** Sends a message that is written in place. */
async function write(channel: ShmChannel, words: string): Promise<void> {
  const claim = await channel.claim(words.length)
  claim.bytes.set(utf8(words))
  claim.commit()
}

const received = async (channel: ShmChannel) => text(await channel.receive())

describe('C1 a claim', () => {
  it('that is committed is a message, of any size up to the limit', async () => {
    const [here, there] = await two('?ring=4096')
    for (const size of [0, 1, 7, 8, 9, 255, 1000, here.maxClaimSize]) {
      const claim = await here.claim(size)
      expect(claim.bytes.length).toBe(size)
      claim.bytes.forEach((_, i) => {
        claim.bytes[i] = i + size
      })
      claim.commit()
      expect(await there.receive()).toEqual(Uint8Array.from({ length: size }, (_, i) => i + size))
    }
    expect(here.stats()).toMatchObject({ sentRecords: 8, sentBytes: 1280 + here.maxClaimSize })
  })

  it('that is committed shorter is a shorter message, also an empty one', async () => {
    const [here, there] = await two()
    for (const length of [0, 1, 3, 5]) {
      const claim = await here.claim(5)
      claim.bytes.set(utf8('hello'))
      claim.commit(length)
      expect(await received(there)).toBe('hello'.slice(0, length))
    }
  })

  it('that is discarded, or disposed of, is no message, and takes no room', async () => {
    const [here, there] = await two('?ring=4096')
    for (let i = 0; i < 100; i++) {
      const claim = await here.claim(here.maxClaimSize)
      claim.bytes.fill(1)
      if (i % 2 === 0) claim.discard()
      else claim[Symbol.dispose]()
    }
    await write(here, 'after')
    expect(await received(there)).toBe('after')
    expect(here.stats().sentRecords).toBe(1)
  })

  it('is settled once: what comes later changes nothing, not even the claim behind it', async () => {
    const [here, there] = await two()
    const first = await here.claim(5)
    first.bytes.set(utf8('first'))
    first.commit()
    const second = await here.claim(6)
    second.bytes.set(utf8('second'))
    first.commit(2)
    first.discard()
    first[Symbol.dispose]()
    expect(there.tryReceive()).toEqual(utf8('first'))
    expect(there.tryReceive()).toBeUndefined()
    second.commit()
    second.discard()
    expect(await received(there)).toBe('second')
  })

  it('is refused a length that cannot be, and can still be committed', async () => {
    const [here, there] = await two()
    const claim = await here.claim(5)
    for (const length of [-1, 6, 1.5, Number.NaN]) expect(() => claim.commit(length)).toThrow(RangeError)
    claim.bytes.set(utf8('hello'))
    claim.commit()
    expect(await received(there)).toBe('hello')
  })

  it('is refused a size that cannot be, and one that is too large, before anything is taken', async () => {
    const [here, there] = await two('?ring=4096')
    for (const size of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(here.claim(size)).rejects.toBeInstanceOf(RangeError)
      expect(() => here.tryClaim(size)).toThrow(RangeError)
    }
    expect(here.maxClaimSize).toBe(4096 / 2 - 16)
    const large = failure('TOO_LARGE', 'the limit is 2032')
    await expect(here.claim(here.maxClaimSize + 1)).rejects.toEqual(large)
    expect(() => here.tryClaim(here.maxClaimSize + 1)).toThrow(large)
    await write(here, 'after')
    expect(await received(there)).toBe('after')
  })

  it('is no larger than a message may be', async () => {
    const [here] = await two('', { maxMessageSize: 100 })
    expect(here.maxClaimSize).toBe(100)
    await expect(here.claim(101)).rejects.toEqual(failure('TOO_LARGE'))
  })

  it('is written where the other end reads', async () => {
    const [here, there] = await two()
    const claim = await here.claim(5)
    claim.bytes.set(utf8('hello'))
    claim.commit()
    const lease = (await there.receiveLease())!
    claim.bytes[0] = 'j'.charCodeAt(0)
    expect(text(lease.bytes)).toBe('jello')
    lease.release()
  })
})

describe('C2 sends and claims', () => {
  it('take turns in the order in which they were called, and wait for a claim to be settled', async () => {
    const [here, there] = await two()
    const claim = await here.claim(5)
    const sends = [here.send(utf8('second')), write(here, 'third'), here.send(utf8('fourth'))]
    expect(here.trySend(utf8('no'))).toBe(false)
    expect(here.tryClaim(2)).toBeUndefined()
    expect(await settledOr(Promise.race(sends))).toBe('pending')
    expect(there.tryReceive()).toBeUndefined()
    claim.bytes.set(utf8('first'))
    claim.commit()
    await Promise.all(sends)
    for (const words of ['first', 'second', 'third', 'fourth']) expect(await received(there)).toBe(words)
  })

  it('go on when a claim is discarded', async () => {
    const [here, there] = await two()
    const claim = await here.claim(5)
    const sends = [here.send(utf8('one')), write(here, 'two')]
    claim.discard()
    await Promise.all(sends)
    expect([await received(there), await received(there)]).toEqual(['one', 'two'])
  })

  it('a claim waits for room, and those behind it wait too', async () => {
    const [here, there] = await two('?ring=4096')
    const count = fill(here, new Uint8Array(100))
    const order: string[] = []
    const claiming = here.claim(here.maxClaimSize).then((claim) => {
      order.push('claim')
      return claim
    })
    const sending = here.send(utf8('x')).then(() => order.push('send'))
    expect(here.tryClaim(1)).toBeUndefined()
    expect(await settledOr(claiming)).toBe('pending')
    for (let i = 0; i < count; i++) await there.receive()
    const claim = await claiming
    claim.commit(1)
    await sending
    expect(order).toEqual(['claim', 'send'])
    expect(await there.receive()).toHaveLength(1)
    expect(await received(there)).toBe('x')
  })

  it('of many sizes keep their order over many laps of the ring', async () => {
    const [here, there] = await two('?ring=4096')
    const COUNT = 2_000
    const sending = (async () => {
      for (let i = 0; i < COUNT; i++) {
        const size = (i * 37) % here.maxClaimSize
        if (i % 3 === 0) {
          await here.send(new Uint8Array(size).fill(i))
          continue
        }
        const claim = await here.claim(Math.min(size + (i % 5), here.maxClaimSize))
        claim.bytes.fill(i)
        claim.commit(size)
      }
    })()
    for (let i = 0; i < COUNT; i++) {
      const message = (await there.receive())!
      expect(message.length).toBe((i * 37) % here.maxClaimSize)
      if (message.some((byte) => byte !== (i & 255))) throw new Error(`message ${i} is not as it was sent`)
    }
    await sending
  })

  it('tryClaim never waits, and has taken nothing where there is no room', async () => {
    const [here, there] = await two('?ring=4096')
    const count = fill(here, new Uint8Array(100))
    expect(here.tryClaim(1000)).toBeUndefined()
    for (let i = 0; i < count; i++) expect(await there.receive()).toHaveLength(100)
    const claim = here.tryClaim(5)!
    claim.bytes.set(utf8('hello'))
    claim.commit()
    expect(await received(there)).toBe('hello')
  })
})

describe('C9 a claim that waits', () => {
  it('and is aborted has taken nothing, and the others keep their order', async () => {
    const [here, there] = await two('?ring=4096')
    const count = fill(here, new Uint8Array(100))
    const controller = new AbortController()
    const first = here.send(utf8('first'))
    const aborted = here.claim(1000, { signal: controller.signal })
    const second = write(here, 'second')
    controller.abort()
    await expect(aborted).rejects.toEqual(failure('ABORTED'))
    for (let i = 0; i < count; i++) await there.receive()
    await Promise.all([first, second])
    expect([await received(there), await received(there)]).toEqual(['first', 'second'])
  })

  it('is not begun with a signal that is aborted', async () => {
    const [here, there] = await two()
    await expect(here.claim(5, { signal: AbortSignal.abort() })).rejects.toEqual(failure('ABORTED'))
    await write(here, 'after')
    expect(await received(there)).toBe('after')
  })
})

describe('C6 close', () => {
  it('waits for a claim, whose message comes before the end', async () => {
    const [here, there] = await two()
    const claim = await here.claim(5)
    const closing = here.close()
    const receiving = there.receive()
    expect(await settledOr(Promise.race([closing, receiving]))).toBe('pending')
    claim.bytes.set(utf8('hello'))
    claim.commit()
    expect(text(await receiving)).toBe('hello')
    expect(await there.receive()).toBeUndefined()
    await Promise.all([closing, there.close()])
  })

  it('goes on when the claim is discarded', async () => {
    const [here, there] = await two()
    const claim = await here.claim(5)
    const closing = here.close()
    claim.discard()
    expect(await there.receive()).toBeUndefined()
    await Promise.all([closing, there.close()])
  })

  it('nothing can be claimed afterwards', async () => {
    const [here, there] = await two()
    const closed = Promise.all([here.close(), there.close()])
    await expect(here.claim(5)).rejects.toEqual(failure('CLOSED'))
    expect(() => here.tryClaim(5)).toThrow(failure('CLOSED'))
    await closed
    await expect(here.claim(5)).rejects.toEqual(failure('CLOSED'))
    expect(() => there.tryClaim(5)).toThrow(failure('CLOSED'))
  })
})

describe('C7 a peer that goes away', () => {
  it('while a claim is open takes the bytes with it, and settling does nothing', async () => {
    for (const settle of ['commit', 'discard'] as const) {
      const [here, there] = await two()
      const claim = await here.claim(5)
      there.abort()
      expect((await here.closed).error).toEqual(failure('RESET'))
      expect(claim.bytes.length).toBe(0)
      claim[settle]()
    }
  })

  it('while a claim waits for room fails it', async () => {
    const [here, there] = await two('?ring=4096')
    fill(here, new Uint8Array(100))
    const claiming = here.claim(1000)
    there.abort()
    await expect(claiming).rejects.toEqual(failure('RESET'))
  })

  it('while a claim waits for another to be settled fails it too', async () => {
    const [here, there] = await two()
    await here.claim(5)
    const claiming = here.claim(5)
    there.abort()
    await expect(claiming).rejects.toEqual(failure('RESET'))
  })

  it('aborting this end detaches what was claimed', async () => {
    const [here, there] = await two()
    const claim = await here.claim(5)
    here.abort()
    expect(claim.bytes.length).toBe(0)
    expect(() => claim.commit(5)).not.toThrow()
    await expect(there.receive()).rejects.toEqual(failure('RESET'))
  })
})

it('C7 a claim on a channel that has ended fails with what it has ended with', async () => {
  const [here, there] = await two()
  there.abort()
  await here.closed
  await expect(here.claim(5)).rejects.toEqual(failure('RESET', 'peer'))
  expect(() => here.tryClaim(5)).toThrow(failure('RESET', 'peer'))
  await expect(there.claim(5)).rejects.toEqual(failure('ABORTED'))
})
