import { Kind } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { failure } from '../../rendezvous/test/support/ends.js'
import { shm } from '../src/index.js'
import { fill, fresh, nothingIsLeft, text, utf8 } from './support/ends.js'
import { RawEnd } from './support/raw.js'

nothingIsLeft()

async function hostile() {
  const url = fresh('?ring=4096')
  const listener = await shm.listen(url)
  const peer = await RawEnd.connect(url)
  const channel = (await listener.accept())!
  await listener.close()
  return { channel, peer }
}

describe('C13 a peer that misbehaves while a message of its lies unread', () => {
  it('fails a send that waits, when what it says it has read cannot be', async () => {
    const { channel, peer } = await hostile()
    peer.send(Kind.DATA, utf8('good'))
    fill(channel, new Uint8Array(100))
    const sending = expect(channel.send(new Uint8Array(100))).rejects.toEqual(failure('CORRUPT'))
    peer.free(4n)
    await sending
    expect(text(await channel.receive())).toBe('good')
    await expect(channel.receive()).rejects.toEqual(failure('CORRUPT'))
    peer.close()
  })

  it('fails a send that waits, when it sends something else than a bell', async () => {
    const { channel, peer } = await hostile()
    peer.send(Kind.DATA, utf8('good'))
    await channel.readable()
    fill(channel, new Uint8Array(100))
    const sending = expect(channel.send(new Uint8Array(100))).rejects.toEqual(failure('CORRUPT'))
    peer.bell(Uint8Array.of(Kind.PING))
    await sending
    expect(text(await channel.receive())).toBe('good')
    peer.close()
    channel.abort()
  })

  it('ends a sendSync that is blocked', async () => {
    const { channel, peer } = await hostile()
    peer.send(Kind.DATA, utf8('good'))
    await channel.readable()
    fill(channel, new Uint8Array(100))
    peer.bell(Uint8Array.of(Kind.PING))
    expect(() => channel.sendSync(new Uint8Array(100), { timeout: 1_000 })).toThrow(failure('CORRUPT'))
    peer.close()
    channel.abort()
  })
})
