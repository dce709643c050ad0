import { Kind } from '@strait/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { turns } from '../../core/test/support/leftovers.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import { type ShmChannel, shm } from '../src/index.js'
import { type Attack, BELLS, RECORDS, ROOM } from './support/attacks.js'
import { fill, fresh, nothingIsLeft, text, until, utf8 } from './support/ends.js'
import { RawEnd } from './support/raw.js'

nothingIsLeft()

let channel: ShmChannel
let peer: RawEnd
beforeEach(async () => {
  const url = fresh('?ring=4096')
  const listener = await shm.listen(url, { maxMessageSize: 100_000 })
  peer = await RawEnd.connect(url)
  channel = (await listener.accept())!
  await listener.close()
})
afterEach(() => {
  channel.abort()
  peer.close()
})

/** The texts that come, and what they end with. */
async function received(): Promise<[string[], unknown]> {
  const texts: string[] = []
  try {
    for await (const message of channel) texts.push(text(message)!)
    return [texts, undefined]
  } catch (error) {
    return [texts, error]
  }
}

const each = (attacks: Record<string, Attack>) =>
  Object.entries(attacks).map(([name, [attack, code = 'CORRUPT']]) => [name, code, attack] as const)

it('a peer by hand that does as it should is one', async () => {
  peer.send(Kind.DATA, utf8('hello'))
  peer.send(Kind.FIRST, Uint8Array.of(3, 0, 0, 0, 97))
  peer.send(Kind.MORE, utf8('bc'))
  peer.send(Kind.PING, new Uint8Array(0))
  peer.send(Kind.END, new Uint8Array(0))
  expect(await received()).toEqual([['hello', 'abc'], undefined])
})

describe('C13 a peer that writes', () => {
  it.each(each(RECORDS))(
    '%s ends a receive that waits as %s, behind what was good',
    async (_, code, attack) => {
      const receiving = received()
      peer.send(Kind.DATA, utf8('good'))
      await attack(peer)
      const [[good, ...others], error] = await receiving
      expect(good).toBe('good')
      expect(others).toHaveLength(peer.fillers)
      expect(error).toEqual(failure(code))
      expect((await channel.closed).error).toBe(error)
      expect(() => channel.trySend(utf8('x'))).toThrow(failure(code))
      await peer.gone
    },
  )

  it.each(each(RECORDS))('%s is found by a receive that did not wait, as %s', async (_, code, attack) => {
    peer.send(Kind.DATA, utf8('good'))
    if (attack(peer) !== undefined) {
      expect(await received()).toEqual([expect.arrayContaining(['good']), failure(code)])
      return
    }
    expect(text(channel.tryReceive())).toBe('good')
    expect(() => channel.tryReceive()).toThrow(failure(code))
    await peer.gone
  })
})

describe('C13 a peer that says it has read', () => {
  it.each(each(ROOM))('%s ends a send that waits as %s', async (_, code, attack) => {
    const sending = (async () => {
      for (;;) await channel.send(new Uint8Array(100))
    })()
    const refused = expect(sending).rejects.toEqual(failure(code))
    await attack(peer)
    await refused
    expect((await channel.closed).error).toEqual(failure(code))
    await expect(channel.receive()).rejects.toEqual(failure(code))
    await peer.gone
  })

  it('what cannot be is found by trySend too, and that takes nothing more', async () => {
    fill(channel, new Uint8Array(100))
    peer.free(4n)
    expect(channel.trySend(new Uint8Array(100))).toBe(false)
    expect((await channel.closed).error).toEqual(failure('CORRUPT', 'memory'))
    expect(() => channel.trySend(new Uint8Array(100))).toThrow(failure('CORRUPT'))
  })

  it('everything at once that it has read is believed', async () => {
    const count = fill(channel, new Uint8Array(100))
    peer.free(BigInt(peer.written()))
    expect(fill(channel, new Uint8Array(100))).toBeGreaterThanOrEqual(count - 1)
  })
})

describe('C13 a peer that sends', () => {
  it.each(each(BELLS))('%s ends the channel as %s', async (_, code, attack) => {
    const receiving = expect(channel.receive()).rejects.toEqual(failure(code))
    await attack(peer)
    await receiving
    expect((await channel.closed).error).toEqual(failure(code))
    await peer.gone
  })

  it('bells although nobody sleeps, one in each turn, changes nothing', async () => {
    for (let i = 0; i < 200; i++) {
      peer.bell()
      await until(() => true)
    }
    peer.send(Kind.DATA, utf8('hello'))
    expect(text(await channel.receive())).toBe('hello')
  })
})

describe('C13 a peer that ends', () => {
  it('in the middle of a message is TRUNCATED', async () => {
    peer.send(Kind.DATA, utf8('good'))
    peer.send(Kind.FIRST, Uint8Array.of(3, 0, 0, 0, 97))
    peer.close()
    expect(await received()).toEqual([['good'], failure('TRUNCATED')])
  })

  it('before it has said that its last record is there is RESET', async () => {
    peer.send(Kind.DATA, utf8('good'))
    peer.record(peer.position, Kind.DATA, utf8('torn'), 0)
    peer.close()
    expect(await received()).toEqual([['good'], failure('RESET')])
  })

  it('while something of it lies unread fails a send that waits, and a blocking one', async () => {
    peer.send(Kind.DATA, utf8('good'))
    await channel.readable()
    fill(channel, new Uint8Array(100))
    const sending = channel.send(new Uint8Array(100))
    peer.close()
    await expect(sending).rejects.toEqual(failure('RESET'))
    expect(() => channel.sendSync(new Uint8Array(100))).toThrow(failure('RESET'))
    expect(await received()).toEqual([['good'], failure('RESET')])
  })

  it('and says something behind its end ends all the same', async () => {
    peer.send(Kind.END, new Uint8Array(0))
    peer.send(Kind.DATA, utf8('more'))
    peer.bell(Uint8Array.of(Kind.PING))
    expect(await received()).toEqual([[], undefined])
    expect((await channel.closed).by).toBe('peer')
  })
})

it('what was lent before the memory went is still a message', async () => {
  expect(channel.tryReceiveLease()).toBeUndefined()
  peer.send(Kind.DATA, utf8('good'))
  await turns(20)
  fill(channel, new Uint8Array(100))
  peer.free(4n)
  channel.trySend(new Uint8Array(100))
  await turns(20)
  expect(text(channel.tryReceive())).toBe('good')
  expect((await channel.closed).error).toEqual(failure('CORRUPT'))
})
