import { describe, expect, it } from 'vitest'
import { turns } from '../../core/test/support/leftovers.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import type { ShmChannel } from '../src/index.js'
import { shm } from '../src/index.js'
import { fresh, nothingIsLeft, two, utf8 } from './support/ends.js'
import { RawEnd } from './support/raw.js'

nothingIsLeft()

const IDLE = 150

/** Until so many idle times are over, in ms of the clock. */
const during = (times: number) => {
  const end = performance.now() + times * IDLE
  return () => performance.now() < end
}

const ends: Record<string, (channel: ShmChannel) => Promise<Uint8Array | undefined>> = {
  receive: (channel) => channel.receive(),
  tryReceive: async (channel) => {
    for (;;) {
      const message = channel.tryReceive()
      if (message !== undefined) return message
      await turns(1)
    }
  },
  receiveSync: async (channel) => channel.receiveSync(),
  receiveLease: async (channel) => {
    const lease = await channel.receiveLease()
    const copy = lease?.bytes.slice()
    lease?.release()
    return copy
  },
}

describe.each(Object.entries(ends))('C14 idleTimeout of a channel that is hot by %s', (_, receive) => {
  it('does not take its peer for dead, hot or silent', async () => {
    const [here, there] = await two('', { idleTimeout: IDLE })
    for (const hot = during(6); hot(); ) {
      await here.send(utf8('there'))
      await receive(there)
      await there.send(utf8('back'))
      await receive(here)
      await turns(1)
    }
    const silent = new Promise((resolve) => setTimeout(resolve, 5 * IDLE))
    await silent
    expect([here.state, there.state]).toEqual(['open', 'open'])
  })
})

it('C14 a peer by hand that never answers is given up', async () => {
  const url = fresh()
  const listener = await shm.listen(url, { idleTimeout: IDLE })
  const peer = await RawEnd.connect(url)
  const channel = (await listener.accept())!
  await expect(channel.receive()).rejects.toEqual(failure('TIMEOUT'))
  await peer.gone
  peer.close()
  await listener.close()
})
