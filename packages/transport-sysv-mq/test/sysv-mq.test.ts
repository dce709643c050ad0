import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { native, SysvMessageQueue } from '@strait/posix'
import { describe, expect, it, vi } from 'vitest'
import { start } from '../../core/test/support/child.js'
import { turns } from '../../core/test/support/leftovers.js'
import { failure } from '../../rendezvous/test/support/ends.js'
import { sysvMq } from '../src/index.js'
import { fresh, home, nothingIsLeft, queues, recorded } from './support/home.js'

const PEER = new URL('./support/peer.mjs', import.meta.url)
const STEP = fileURLToPath(new URL('./support/step.mjs', import.meta.url))

nothingIsLeft()

/** Until what is done for an end that has gone is done. */
async function empty(keys: readonly number[]): Promise<void> {
  while (queues(keys).length > 0 || readdirSync(home).length > 0) await turns(1)
}

async function couple() {
  const url = fresh()
  const listener = await sysvMq.listen(url)
  const connected = await sysvMq.connect(url)
  const accepted = (await listener.accept())!
  await listener.close()
  return { connected, accepted }
}

describe('sysv-mq:', () => {
  it('C11 a channel is two queues, which a record names as long as it is open', async () => {
    const { connected, accepted } = await couple()
    const keys = recorded()
    expect(queues(keys)).toHaveLength(2)
    await Promise.all([connected.close(), accepted.close()])
    expect(queues(keys)).toEqual([])
    expect(readdirSync(home)).toEqual([])
  })

  it('C11 what an end leaves unread stays until the other end has read it, and no longer', async () => {
    const { connected, accepted } = await couple()
    const keys = recorded()
    await connected.send(Uint8Array.of(7))
    connected.abort()
    expect(queues(keys)).toMatchObject([{ messages: 1 }])
    expect(await accepted.receive()).toEqual(Uint8Array.of(7))
    await expect(accepted.receive()).rejects.toEqual(failure('RESET'))
    await empty(keys)
  })

  it('C11 what an end leaves for a peer that is killed before it reads is removed without a sweep', async () => {
    const url = fresh()
    const listener = await sysvMq.listen(url)
    const child = start(PEER, [url.href, '0'])
    const accepted = (await listener.accept())!
    const keys = recorded()
    // It reads one message ahead.
    await child.freeze()
    await accepted.send(Uint8Array.of(1))
    accepted.abort()
    expect(queues(keys)).toHaveLength(1)
    await child.kill()
    await empty(keys)
    await listener.close()
  })

  it('C11 what a killed peer had sent is read, and then nothing is left, without a sweep', async () => {
    const url = fresh()
    const listener = await sysvMq.listen(url)
    const child = start(PEER, [url.href, '3'])
    const accepted = (await listener.accept())!
    expect(await child.line()).toBe('sent')
    const keys = recorded()
    await child.kill()
    for (const index of [0, 1, 2]) expect(await accepted.receive()).toEqual(Uint8Array.of(index))
    await expect(accepted.receive()).rejects.toEqual(failure('RESET'))
    await empty(keys)
    await listener.close()
  })

  it('C11 killed before any of its system calls, a process leaves nothing that the next listen does not remove', async () => {
    const phases = new Set<string>()
    let step = 0
    for (let killed = true; killed; ) {
      const { signal, status, stderr } = spawnSync(process.execPath, [STEP, String(++step)])
      killed = signal === 'SIGKILL'
      if (!killed) expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' })
      const keys = recorded()
      phases.add(`${keys.length} recorded, ${queues(keys).length} there`)
      await (await sysvMq.listen(fresh())).close()
      expect(queues(keys)).toEqual([])
      expect(readdirSync(home)).toEqual([])
    }
    expect([...phases].sort()).toEqual([
      '0 recorded, 0 there',
      '1 recorded, 0 there',
      '1 recorded, 1 there',
      '2 recorded, 0 there',
      '2 recorded, 1 there',
      '2 recorded, 2 there',
    ])
  }, 120_000)

  it('C11 listen removes no queue of somebody else’s that a record names, and none that somebody has', async () => {
    const { connected, accepted } = await couple()
    const kept = recorded()
    const theirs = SysvMessageQueue.create((process.pid << 8) | 1)
    try {
      mkdirSync(join(home, 'strait'), { recursive: true, mode: 0o700 })
      for (const [digit, name] of [
        ['a', '0x00000000'],
        ['b', String(theirs.key)],
        ['c', '/strait-x'],
      ] as const)
        writeFileSync(
          join(home, 'strait', `${digit.repeat(24)}.record`),
          `${JSON.stringify({ kind: 'sysv-mq', name })}\n`,
        )
      await (await sysvMq.listen(fresh())).close()
      expect(readdirSync(join(home, 'strait'))).toHaveLength(1)
      expect(queues(kept)).toHaveLength(2)
      expect(theirs.attributes.messages).toBe(0)
    } finally {
      theirs.unlink()
      theirs.close()
      await Promise.all([connected.close(), accepted.close()])
    }
  })

  it('C2 a message in parts and small ones arrive in the order in which they were sent, and the end last', async () => {
    const { connected, accepted } = await couple()
    const lengths = [0, 2046, 2047, 2048, 100_000, 5, 0, 16 * 1024 * 1024, 1]
    const sending = (async () => {
      for (const length of lengths) await connected.send(new Uint8Array(length).fill(length % 251))
      await connected.close()
    })()
    const received: Uint8Array[] = []
    for await (const message of accepted) received.push(message)
    expect(received.map(({ length }) => length)).toEqual(lengths)
    for (const message of received)
      expect(Buffer.from(message).equals(Buffer.alloc(message.length, message.length % 251))).toBe(true)
    await Promise.all([sending, accepted.close()])
  })

  it('C8 what blocked and what waits may take turns, also where nothing came in time', async () => {
    const { connected, accepted } = await couple()
    for (let round = 0; round < 20; round++) {
      expect(() => accepted.receiveSync({ timeout: 1 })).toThrow(failure('TIMEOUT'))
      const receiving = accepted.receive()
      await turns(1)
      await connected.send(Uint8Array.of(round))
      expect(await receiving).toEqual(Uint8Array.of(round))
      connected.sendSync(Uint8Array.of(round, 1))
      expect(accepted.receiveSync()).toEqual(Uint8Array.of(round, 1))
    }
    await Promise.all([connected.close(), accepted.close()])
  })
})

describe('where there can be no more threads', () => {
  const { msgStartWaiting } = native()

  it('nobody connects, and who does is told why by the listener', async () => {
    const url = fresh()
    const listener = await sysvMq.listen(url)
    const spy = vi
      .spyOn(native(), 'msgStartWaiting')
      .mockReturnValueOnce(-11)
      .mockImplementation(msgStartWaiting)
    try {
      await expect(sysvMq.connect(url)).rejects.toEqual(
        failure('NO_RESOURCES', 'the listener says: there can be no more threads; `ulimit -u`'),
      )
    } finally {
      spy.mockRestore()
    }
    await listener.close()
  })

  it('who waits for room looks for it again and again', async () => {
    const { connected, accepted } = await couple()
    const spy = vi.spyOn(native(), 'msgStartSendingPacket').mockReturnValue(-11)
    try {
      const long = new Uint8Array(100_000).fill(3)
      const sending = accepted.send(long)
      expect(await connected.receive()).toEqual(long)
      await sending
      expect(spy).toHaveBeenCalled()
    } finally {
      spy.mockRestore()
    }
    await Promise.all([accepted.close(), connected.close()])
  })
})
