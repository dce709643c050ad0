import { describe, expect, it } from 'vitest'
import { failure } from '../../rendezvous/test/support/ends.js'
import type { ShmChannel } from '../src/index.js'
import { fill, nothingIsLeft, settledOr, text, two, utf8 } from './support/ends.js'

nothingIsLeft()

const leased = async (channel: ShmChannel) => {
  const lease = await channel.receiveLease()
  const words = text(lease?.bytes)
  lease?.release()
  return words
}

/** Sends it, and returns the bytes in the memory, where this end can still change them. */
async function sendInPlace(channel: ShmChannel, words: string): Promise<Uint8Array> {
  const claim = await channel.claim(words.length)
  claim.bytes.set(utf8(words))
  claim.commit()
  return claim.bytes
}

describe('C1 a lease', () => {
  it('is the next message, of any size that fits into a record, in place', async () => {
    const [here, there] = await two('?ring=4096')
    for (const size of [0, 1, 7, 8, 9, 1000, here.maxClaimSize]) {
      const message = Uint8Array.from({ length: size }, (_, i) => i + size)
      await here.send(message)
      const lease = (await there.receiveLease())!
      expect(lease.bytes).toEqual(message)
      lease.release()
    }
    expect(there.stats()).toMatchObject({ receivedRecords: 7, receivedBytes: 1025 + here.maxClaimSize })
  })

  it('shows what the other end writes into the message afterwards', async () => {
    const [here, there] = await two()
    const written = await sendInPlace(here, 'hello')
    const lease = (await there.receiveLease())!
    written[0] = 'j'.charCodeAt(0)
    expect(text(lease.bytes)).toBe('jello')
    lease.release()
  })

  it('is there at once, or not: tryReceiveLease never waits', async () => {
    const [here, there] = await two()
    expect(there.tryReceiveLease()).toBeUndefined()
    const written = await sendInPlace(here, 'hello')
    const lease = there.tryReceiveLease()!
    written[0] = 'c'.charCodeAt(0)
    expect(text(lease.bytes)).toBe('cello')
    lease.release()
    expect(there.tryReceiveLease()).toBeUndefined()
  })

  it('of a message that came in parts is a copy, and so is one that lay here already', async () => {
    const [here, there] = await two('?ring=4096')
    await here.send(utf8('ahead'))
    await there.readable()
    const whole = Uint8Array.from({ length: 20_000 }, (_, i) => i % 251)
    const sending = here.send(whole)
    const first = (await there.receiveLease())!
    const second = (await there.receiveLease())!
    expect([text(first.bytes), second.bytes]).toEqual(['ahead', whole])
    first.release()
    second.release()
    await sending
    await sendInPlace(here, 'later')
    expect(await leased(there)).toBe('later')
    expect(second.bytes).toEqual(whole)
  })
})

describe('C2 the messages behind a lease', () => {
  it('come when it has been released, in order', async () => {
    const [here, there] = await two()
    for (const words of ['one', 'two', 'three', 'four']) await here.send(utf8(words))
    // What a channel has looked ahead at is no lease yet.
    expect(await leased(there)).toBe('one')
    const second = (await there.receiveLease())!
    const third = there.receiveLease()
    const fourth = there.receive()
    expect(there.tryReceive()).toBeUndefined()
    expect(there.tryReceiveLease()).toBeUndefined()
    expect(await settledOr(third)).toBe('pending')
    expect(text(second.bytes)).toBe('two')
    second.release()
    expect(text((await third)!.bytes)).toBe('three')
    expect(await settledOr(fourth)).toBe('pending')
    ;(await third)![Symbol.dispose]()
    expect(text(await fourth)).toBe('four')
  })

  it('are not given out twice when it is released twice', async () => {
    const [here, there] = await two()
    const first = utf8('first')
    await here.send(first)
    await leased(there)
    for (const words of ['a', 'b', 'c']) await here.send(utf8(words))
    const lease = (await there.receiveLease())!
    lease.release()
    const next = (await there.receiveLease())!
    lease.release()
    lease[Symbol.dispose]()
    expect(there.tryReceive()).toBeUndefined()
    expect([text(lease.bytes), text(next.bytes)]).toEqual(['a', 'b'])
    next.release()
    expect(await leased(there)).toBe('c')
  })

  it('a writer that has no room goes on when there is some again', async () => {
    const [here, there] = await two('?ring=4096')
    await here.send(utf8('x'))
    await leased(there)
    const size = here.maxClaimSize
    const count = fill(here, new Uint8Array(size))
    expect(count).toBeGreaterThan(0)
    const sending = here.send(new Uint8Array(size).fill(9))
    expect(await settledOr(sending)).toBe('pending')
    const lease = (await there.receiveLease())!
    expect(await settledOr(sending)).toBe('pending')
    lease.release()
    for (let i = 1; i < count; i++) await leased(there)
    await sending
    expect((await there.receive())![0]).toBe(9)
  })

  it('of many sizes come whole, over many laps of the ring, leased and copied by turns', async () => {
    const [here, there] = await two('?ring=4096')
    const COUNT = 2_000
    // Some are longer than a record.
    const size = (i: number) => (i * 37) % 5_000
    const sending = (async () => {
      for (let i = 0; i < COUNT; i++) await here.send(new Uint8Array(size(i)).fill(i))
    })()
    for (let i = 0; i < COUNT; i++) {
      const lease = i % 3 === 0 ? undefined : (await there.receiveLease())!
      const bytes = lease?.bytes ?? (await there.receive())!
      expect(bytes.length).toBe(size(i))
      if (bytes.some((byte) => byte !== (i & 255))) throw new Error(`message ${i} is not as it was sent`)
      lease?.release()
    }
    await sending
  })
})

describe('C3 a message that is received after the first lease', () => {
  it('is a copy, and stays as it is while the ring goes round', async () => {
    const [here, there] = await two('?ring=4096')
    await here.send(utf8('x'))
    await leased(there)
    const kept: Uint8Array[] = []
    for (let i = 0; i < 300; i++) {
      const written = await sendInPlace(here, `message ${i}`)
      const received = i % 2 === 0 ? await there.receive() : there.tryReceive()
      if (written.length > 0) written[0] = 0
      kept.push(received!)
    }
    expect(kept.map(text)).toEqual(Array.from({ length: 300 }, (_, i) => `message ${i}`))
  })

  it('is a copy for a receive that waits, for a blocking one, and in a loop', async () => {
    const [here, there] = await two()
    await here.send(utf8('x'))
    await leased(there)
    const change = (bytes: Uint8Array) => bytes.fill(0)
    const waiting = there.receive()
    const first = await sendInPlace(here, 'waited')
    const waited = await waiting
    change(first)
    const second = await sendInPlace(here, 'blocked')
    const blocked = there.receiveSync()
    change(second)
    const third = await sendInPlace(here, 'looped')
    let looped: Uint8Array | undefined
    for await (const message of there) {
      looped = message
      break
    }
    change(third)
    expect([waited, blocked, looped].map(text)).toEqual(['waited', 'blocked', 'looped'])
  })

  it('a receive that waited before the first lease gets bytes of its own, and so does what it was called with', async () => {
    const [here, there] = await two()
    const waiting = there.receive()
    const leasing = there.receiveLease()
    const first = await sendInPlace(here, 'first')
    const second = await sendInPlace(here, 'second')
    const received = await waiting
    const lease = (await leasing)!
    first.fill(0)
    expect(text(received)).toBe('first')
    expect(text(lease.bytes)).toBe('second')
    lease.release()
    second.fill(0)
    await here.send(utf8('third'))
    expect(await leased(there)).toBe('third')
  })
})

describe('a thread that blocks', () => {
  it('receives nothing while a lease is out, and what is behind it afterwards', async () => {
    const [here, there] = await two()
    await here.send(utf8('x'))
    await leased(there)
    for (const words of ['one', 'two']) await here.send(utf8(words))
    const lease = (await there.receiveLease())!
    expect(() => there.receiveSync({ timeout: 10 })).toThrow(failure('TIMEOUT'))
    lease.release()
    expect(text(there.receiveSync())).toBe('two')
  })

  it('sends nothing while a claim is open, and behind it afterwards', async () => {
    const [here, there] = await two()
    const claim = await here.claim(3)
    expect(() => here.sendSync(utf8('two'), { timeout: 10 })).toThrow(failure('TIMEOUT'))
    claim.bytes.set(utf8('one'))
    claim.commit()
    here.sendSync(utf8('two'))
    expect([await leased(there), await leased(there)]).toEqual(['one', 'two'])
  })
})

describe('C9 a lease that is waited for', () => {
  it('and aborted has taken no message', async () => {
    const [here, there] = await two()
    const controller = new AbortController()
    const aborted = there.receiveLease({ signal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toEqual(failure('ABORTED'))
    await here.send(utf8('hello'))
    expect(await leased(there)).toBe('hello')
  })
})

describe('C6 the end behind a lease', () => {
  it('comes when it has been released', async () => {
    const [here, there] = await two()
    await here.send(utf8('x'))
    await leased(there)
    await here.send(utf8('hello'))
    const closing = here.close()
    const lease = (await there.receiveLease())!
    const behind = there.receiveLease()
    expect(await settledOr(behind)).toBe('pending')
    expect(text(lease.bytes)).toBe('hello')
    lease.release()
    expect(await behind).toBeUndefined()
    expect(there.tryReceiveLease()).toBeUndefined()
    await Promise.all([closing, there.close()])
  })

  it('close gives back what is lent: the bytes are gone, and the other end comes to its end', async () => {
    const [here, there] = await two('?ring=4096')
    await here.send(utf8('x'))
    await leased(there)
    await here.send(utf8('hello'))
    const lease = (await there.receiveLease())!
    fill(here, new Uint8Array(1000))
    const sending = here.send(new Uint8Array(1000)).catch((error) => error)
    await Promise.all([there.close(), here.close()])
    await sending
    expect(lease.bytes.length).toBe(0)
    expect(() => lease.release()).not.toThrow()
    expect(await there.receiveLease()).toBeUndefined()
  })

  it('there is none after the end, clean or not', async () => {
    const [here, there] = await two()
    const closing = here.close()
    expect(await there.receiveLease()).toBeUndefined()
    await Promise.all([closing, there.close()])
    expect(await there.receiveLease()).toBeUndefined()
    expect(there.tryReceiveLease()).toBeUndefined()
    const [one, other] = await two()
    one.abort()
    await expect(other.receiveLease()).rejects.toEqual(failure('RESET'))
    expect(() => other.tryReceiveLease()).toThrow(failure('RESET'))
    await expect(one.receiveLease()).rejects.toEqual(failure('ABORTED'))
  })
})

describe('C7 a peer that goes away behind a lease', () => {
  it('is noticed when what it had sent has been read, which stays readable until then', async () => {
    const [here, there] = await two()
    await here.send(utf8('x'))
    await leased(there)
    await here.send(utf8('hello'))
    const lease = (await there.receiveLease())!
    await here.send(utf8('last'))
    here.abort()
    const behind = there.receiveLease()
    expect(await settledOr(behind)).toBe('pending')
    expect(text(lease.bytes)).toBe('hello')
    lease.release()
    expect(text((await behind)!.bytes)).toBe('last')
    ;(await behind)!.release()
    await expect(there.receiveLease()).rejects.toEqual(failure('RESET'))
    expect([lease.bytes.length, (await behind)!.bytes.length]).toEqual([0, 0])
  })

  it('abort detaches what is lent', async () => {
    const [here, there] = await two()
    await here.send(utf8('x'))
    await leased(there)
    await here.send(utf8('hello'))
    const lease = (await there.receiveLease())!
    there.abort()
    expect(lease.bytes.length).toBe(0)
    expect(() => lease.release()).not.toThrow()
    await expect(here.receive()).rejects.toEqual(failure('RESET'))
  })
})

describe.each(['close', 'abort'] as const)(
  'C3 a receive that has its message when %s is called, after a lease',
  (end) => {
    it('gets bytes of its own', async () => {
      const [here, there] = await two()
      await here.send(utf8('x'))
      ;(await there.receiveLease())!.release()
      await here.send(utf8('hello'))
      const receiving = there.receive()
      void there[end]()
      here.abort()
      const message = await receiving
      await there.closed
      expect(text(message)).toBe('hello')
    })
  },
)
