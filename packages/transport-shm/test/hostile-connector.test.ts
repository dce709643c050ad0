import { openSync } from 'node:fs'
import { Kind } from '@strait/core'
import { native } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { preface } from '../../core/test/support/bytes.js'
import { failure, Refusals } from '../../rendezvous/test/support/ends.js'
import { hello, RawPeer } from '../../rendezvous/test/support/raw.js'
import { shm } from '../src/index.js'
import { fresh, nothingIsLeft, text, utf8 } from './support/ends.js'

nothingIsLeft()

const CONFIRMED = Uint8Array.of(Kind.DATA)

/** What became of somebody who greets, and then does this where he should confirm that he has the memory. */
async function refused(act: (peer: RawPeer) => void, handshakeTimeout?: number): Promise<unknown> {
  const url = fresh()
  const refusals = new Refusals()
  const listener = await shm.listen(url, handshakeTimeout === undefined ? {} : { handshakeTimeout })
  const peer = RawPeer.connect(url)
  peer.send(hello(preface()))
  act(peer)
  await refusals.count(1)
  refusals.stop()
  peer.close()
  await listener.close()
  return refusals.errors[0]
}

describe('C13 who connects and', () => {
  it('never says that it has the memory is TIMEOUT', async () => {
    expect(await refused(() => {}, 100)).toEqual(failure('TIMEOUT'))
  })

  it('goes away with the memory is RESET', async () => {
    expect(await refused((peer) => peer.close())).toEqual(failure('RESET'))
  })

  it('answers with something else is CORRUPT', async () => {
    expect(await refused((peer) => peer.send(Uint8Array.of(Kind.PING)))).toEqual(failure('CORRUPT', 'kind'))
    expect(await refused((peer) => peer.send(hello(preface())))).toEqual(failure('CORRUPT'))
  })

  it.each([1, 253])('brings %i descriptors itself is CORRUPT', async (count) => {
    const descriptor = openSync('/dev/null', 'r')
    const passed = new Array<number>(count).fill(descriptor)
    const outcome = await refused((peer) => peer.send(CONFIRMED, passed))
    native().close(descriptor)
    expect(outcome).toEqual(failure('CORRUPT', 'descriptor'))
  })

  it('confirms with 65 bells behind is let in, and then ended as CORRUPT', async () => {
    const url = fresh()
    const listener = await shm.listen(url)
    const peer = RawPeer.connect(url)
    peer.send(hello(preface()))
    for (let i = 0; i <= 65; i++) peer.send(CONFIRMED)
    const channel = (await listener.accept())!
    expect((await channel.closed).error).toEqual(failure('CORRUPT', 'rang'))
    peer.close()
    await listener.close()
  })

  it('says nothing does not keep others from meeting', async () => {
    const url = fresh()
    const listener = await shm.listen(url)
    const silent = RawPeer.connect(url)
    silent.send(hello(preface()))
    const connected = await shm.connect(url)
    const accepted = (await listener.accept())!
    await connected.send(utf8('hello'))
    expect(text(await accepted.receive())).toBe('hello')
    await Promise.all([connected.close(), accepted.close()])
    silent.close()
    await listener.close()
  })
})
