import { createClient, type Remote } from '@strait/rpc'
import { peerSchemes, type SpawnedPeer, spawnPeer } from 'strait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LONG } from '../src/frame.js'

const PROGRAM = new URL('./support/peer.mjs', import.meta.url)

interface Functions {
  add(a: number, b: number): number
  echo(bytes: Uint8Array): Uint8Array
  wait(): Promise<void>
  fail(): void
  count(to: number): Generator<number>
}

describe.each(await peerSchemes())('over %s: another end', (scheme) => {
  let peer: SpawnedPeer
  let client: Remote<Functions>
  beforeAll(async () => {
    peer = await spawnPeer(`${scheme}:`, PROGRAM)
    client = createClient<Functions>(peer.channel)
  })
  afterAll(async () => {
    peer.kill('SIGKILL')
    await peer.exited
  })

  it('answers calls, those that travel together, and long buffers there and back', async () => {
    expect(await client.add(1, 2)).toBe(3)
    const sums = await Promise.all(Array.from({ length: 3000 }, (_, n) => client.add(n, 1)))
    expect(sums).toEqual(Array.from({ length: 3000 }, (_, n) => n + 1))
    const most = peer.channel.capabilities.maxMessageSize
    const lengths = [LONG - 1, LONG, Math.min(most - 100, 200_000)]
    await Promise.all(
      lengths.map(async (length) => {
        const bytes = Uint8Array.from({ length }, (_, index) => index % 251)
        expect(Buffer.compare(await client.echo(bytes), bytes)).toBe(0)
      }),
    )
    await expect(client.fail()).rejects.toBeInstanceOf(RangeError)
    let sum = 0
    for await (const value of client.count.iterate(100)) sum += value
    expect(sum).toBe(4950)
  })

  it('is told nothing of what is larger than a message may be, and the next call is answered', async () => {
    const bytes = new Uint8Array(peer.channel.capabilities.maxMessageSize + 1)
    await expect(client.echo(bytes)).rejects.toMatchObject({ code: 'ERR_STRAIT_TOO_LARGE' })
    expect(await client.add(1, 2)).toBe(3)
  })

  // Last, for it has no other one behind it.
  it('that is killed fails every call that it has not answered, with the failure of the channel', async () => {
    const calls = Array.from({ length: 100 }, () => client.wait())
    expect(await client.add(1, 2)).toBe(3)
    peer.kill('SIGKILL')
    const errors = await Promise.all(calls.map((call) => call.then(String, (error) => error)))
    expect(new Set(errors).size).toBe(1)
    expect(errors[0]).toMatchObject({ code: 'ERR_STRAIT_RESET' })
    await expect(client.add(1, 2)).rejects.toBe(errors[0])
  })
})
