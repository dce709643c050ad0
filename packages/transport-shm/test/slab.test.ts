import { describe, expect, it } from 'vitest'
import { type ShmChannel, shm } from '../src/index.js'
import { fresh, nothingIsLeft, text, two, utf8 } from './support/ends.js'

nothingIsLeft()

/** Moves the memory of a message away, as posting it to another thread with a transfer list does. */
function move(message: Uint8Array): Uint8Array {
  return structuredClone(message, { transfer: [message.buffer as ArrayBuffer] })
}

describe('C3 the buffer of a received message', () => {
  const FORMS: Record<string, (channel: ShmChannel) => Promise<Uint8Array | undefined>> = {
    receive: (channel) => channel.receive(),
    tryReceive: async (channel) => channel.tryReceive(),
    receiveSync: async (channel) => channel.receiveSync(),
  }

  it.each(Object.entries(FORMS))(
    'may be moved away: later messages of %s come in new memory',
    async (_, receive) => {
      const [here, there] = await two('?ring=4096')
      await here.send(utf8('first'))
      const first = (await receive(there))!
      for (let i = 0; i < 100; i++) {
        await here.send(utf8(`message ${i}`))
        const message = (await receive(there))!
        expect(text(message)).toBe(`message ${i}`)
        const moved = move(message)
        expect(message.length).toBe(0)
        expect(text(moved)).toBe(`message ${i}`)
      }
      expect(first.length).toBe(0)
      await here.send(utf8('last'))
      expect(text(await receive(there))).toBe('last')
    },
  )

  it('may be moved away while others wait behind it in the ring', async () => {
    const [here, there] = await two()
    for (const words of ['one', 'two', 'three']) here.trySend(utf8(words))
    move((await there.receive())!)
    // The second has been looked ahead at, and lay in the same memory: it goes with the first, as the contract says.
    await there.receive()
    expect(text(await there.receive())).toBe('three')
  })

  it('is not filled again: messages that are kept stay as they are, over many slabs', async () => {
    const [here, there] = await two()
    const kept: Uint8Array[] = []
    for (let i = 0; i < 300; i++) {
      await here.send(new Uint8Array(1_000).fill(i))
      kept.push((await there.receive())!)
    }
    for (const [i, message] of kept.entries()) expect(message.every((byte) => byte === (i & 255))).toBe(true)
    expect(new Set(kept.map(({ buffer }) => buffer)).size).toBeGreaterThan(1)
  })

  it('begins at a multiple of 8, where a view of numbers may begin', async () => {
    const [here, there] = await two()
    for (let size = 0; size < 40; size++) {
      await here.send(new Uint8Array(size))
      const message = (await there.receive())!
      expect(message.byteOffset % 8).toBe(0)
      expect(message.length).toBe(size)
    }
  })
})

it('a message sent from the middle of a larger buffer is only that message', async () => {
  const url = fresh()
  const listener = await shm.listen(url)
  const connected = await shm.connect(url)
  const accepted = (await listener.accept())!
  const whole = Uint8Array.from({ length: 1_000 }, (_, i) => i)
  for (const [from, to] of [
    [3, 10],
    [0, 999],
    [5, 5],
    [7, 900],
  ] as const) {
    await connected.send(whole.subarray(from, to))
    expect(await accepted.receive()).toEqual(whole.slice(from, to))
  }
  await Promise.all([connected.close(), accepted.close()])
  await listener.close()
})
