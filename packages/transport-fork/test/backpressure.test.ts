import { once } from 'node:events'
import { spawnPeer } from '@strait/core/node'
import { afterEach, describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { fork } from '../src/index.js'

const PEER = new URL('./support/peer.mjs', import.meta.url)
const MIB = 1024 * 1024
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const utf8 = (message: string) => new TextEncoder().encode(message)
const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

type Peer = Awaited<ReturnType<typeof spawnPeer>>
const peers: Peer[] = []

async function peer(...args: string[]): Promise<Peer> {
  const started = await spawnPeer(fork, 'fork:', PEER, { args, stdio: ['ignore', 'pipe', 'ignore'] })
  peers.push(started)
  return started
}

afterEach(async () => {
  for (const { process } of peers) process?.kill('SIGKILL')
  await Promise.all(peers.splice(0).map(({ exited }) => exited))
})

describe('C4 a peer that does not read', () => {
  it('stops the sender: trySend is false, nothing grows, nothing is lost', async () => {
    const { channel, process: child, exited } = await peer('sleepy')
    expect(text(await channel.receive())).toBe('asleep')
    const before = process.memoryUsage()
    let taken = 0
    // Over many turns, as Node's own channel would go on and on.
    for (let turn = 0; turn < 200; turn++) {
      while (channel.trySend(new Uint8Array(1000))) taken++
      await turns(1)
    }
    expect(channel.trySend(new Uint8Array(0))).toBe(false)
    expect(taken * 1000).toBeGreaterThan(0)
    expect(taken * 1000).toBeLessThan(MIB)
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(64 * MIB)
    const waiting = channel.send(new Uint8Array(1))
    child!.kill('SIGUSR2')
    await waiting
    expect(text(await channel.receive())).toBe(String(taken))
    expect(await channel.receive()).toBeUndefined()
    await channel.close()
    expect(await exited).toEqual({ exitCode: 0, signal: null })
  })

  it('stops the peer likewise when it is this end', async () => {
    const { channel, exited } = await peer('flood')
    let count = 0
    let message = await channel.receive()
    for (; message?.length === 1000; message = await channel.receive()) count++
    expect(text(message)).toBe(String(count))
    expect(count * 1000).toBeLessThan(MIB)
    await channel.close()
    expect(await exited).toEqual({ exitCode: 0, signal: null })
  })

  it('thousands of empty messages right after the greeting are within the window', async () => {
    const { channel, exited } = await peer('echo')
    let taken = 0
    while (channel.trySend(new Uint8Array(0))) taken++
    expect(taken).toBeGreaterThan(1024)
    for (let i = 0; i < taken; i++) expect(await channel.receive()).toHaveLength(0)
    await channel.close()
    expect(await exited).toEqual({ exitCode: 0, signal: null })
  })
})

describe('C7 an unclean end', () => {
  it.each(['"text"', '{"cmd":"mine"}', '[]', '["x"]', '[0]', '[0,"x"]', '7', 'true', 'null'])(
    'a foreign process.send(%s) is CORRUPT, behind what came before',
    async (foreign) => {
      const { channel } = await peer('foreign')
      await channel.send(utf8(foreign))
      expect(text(await channel.receive())).toBe('before')
      const error = await channel.receive().catch((error) => error)
      expect(error).toEqual(code('CORRUPT'))
      expect(await channel.send(utf8('x')).catch((error) => error)).toBe(error)
      expect((await channel.closed).error).toBe(error)
    },
  )

  it('the parent’s foreign send is CORRUPT in the child', async () => {
    const { channel, process: child, exited } = await peer('expect', 'ERR_STRAIT_CORRUPT')
    expect(text(await channel.receive())).toBe('ready')
    child!.send('from elsewhere')
    expect(await exited).toEqual({ exitCode: 7, signal: null })
    expect((await channel.closed).error).toBeDefined()
  })

  it('a child that disconnects is RESET, behind what came before', async () => {
    const { channel, exited } = await peer('disconnect')
    expect(text(await channel.receive())).toBe('before')
    await expect(channel.receive()).rejects.toEqual(code('RESET'))
    await exited
  })

  it('the parent’s disconnect is RESET in the child', async () => {
    const { channel, process: child, exited } = await peer('expect', 'ERR_STRAIT_RESET')
    expect(text(await channel.receive())).toBe('ready')
    child!.disconnect()
    await expect(channel.receive()).rejects.toEqual(code('RESET'))
    expect(await exited).toEqual({ exitCode: 7, signal: null })
  })

  it('a killed child is RESET with its signal, one and the same for reads, waiting and later sends', async () => {
    const { channel, process: child } = await peer('stubborn')
    await once(child!.stdout!, 'data')
    while (channel.trySend(new Uint8Array(1000)));
    const waiting = channel.send(utf8('x')).catch((error) => error)
    child!.kill('SIGKILL')
    const error = await waiting
    expect(error).toEqual(code('RESET'))
    expect(error.cause).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
    expect(await channel.send(utf8('y')).catch((error) => error)).toBe(error)
    // Nothing of it was read: what the child had said is still there.
    expect(text(await channel.receive())).toBe('before')
    expect(await channel.receive().catch((error) => error)).toBe(error)
    expect((await channel.closed).error).toBe(error)
  })

  it('a send in the very moment of the death fails with RESET too', async () => {
    for (let round = 0; round < 5; round++) {
      const { channel, process: child, exited } = await peer('stubborn')
      expect(text(await channel.receive())).toBe('before')
      const sends: Promise<unknown>[] = []
      const pump = () => {
        if (channel.state !== 'open') return
        sends.push(channel.send(new Uint8Array(10)).catch((error) => error))
        setImmediate(pump)
      }
      pump()
      child!.kill('SIGKILL')
      await Promise.all([exited, channel.closed])
      for (const result of await Promise.all(sends))
        if (result !== undefined) expect(result).toEqual(code('RESET'))
    }
  })
})

describe('C11 nothing left', () => {
  it('closed or killed, no descriptor stays', async () => {
    const warm = await peer('echo')
    await warm.close()
    await turns(20)
    const before = descriptors()
    for (const end of ['close', 'kill', 'abort'] as const) {
      const { channel, process: child, exited } = await peer('echo')
      await channel.send(utf8('x'))
      await channel.receive()
      if (end === 'close') await channel.close()
      else if (end === 'abort') channel.abort()
      else child!.kill('SIGKILL')
      await exited
      await channel.closed
      await turns(20)
      expect(descriptors()).toEqual(before)
    }
  })
})
