import { spawnPeer } from '@strait/core/node'
import { describe, expect, it } from 'vitest'
import { failure } from '../../rendezvous/test/support/ends.js'
import { type ShmChannel, shm } from '../src/index.js'
import { nothingIsLeft, text, utf8 } from './support/ends.js'

const ECHO = new URL('./support/echo.mjs', import.meta.url)

nothingIsLeft()

describe('spawnPeer', () => {
  it('gives the parameters of its address to both ends', async () => {
    const peer = await spawnPeer(shm, 'shm:?wait=park&ring=4096', ECHO)
    const channel = peer.channel as ShmChannel
    for (let i = 0; i < 100; i++) {
      await channel.send(utf8(`message ${i}`))
      expect(text(await channel.receive())).toBe(`message ${i}`)
    }
    await channel.send(utf8('stats'))
    const there = JSON.parse(text(await channel.receive())!)
    for (const { polls, spins, parks } of [there, channel.stats()]) {
      expect([polls, spins]).toEqual([0, 0])
      expect(parks).toBeGreaterThan(0)
    }
    expect(channel.maxClaimSize).toBe(4096 / 2 - 16)
    expect(there.url).toMatch(/^shm:spawn-[0-9a-f]{32}\?wait=park&ring=4096$/)
    expect(channel.url.href).toBe(there.url)
    expect(await peer.close()).toEqual({ exitCode: 0, signal: null })
  })

  it('refuses parameters that are wrong or unknown, and starts nothing', async () => {
    for (const address of ['shm:?wait=never', 'shm:?ring=5', 'shm:?color=red', 'shm:?at=relative'])
      await expect(spawnPeer(shm, address, ECHO), address).rejects.toEqual(failure('ADDRESS_INVALID'))
    await expect(spawnPeer(shm, 'shm:?color=red', ECHO)).rejects.toEqual(
      failure('ADDRESS_INVALID', "unknown parameter 'color'"),
    )
  })

  it('refuses a name: it chooses the address itself', async () => {
    for (const address of ['shm:jobs', 'shm:jobs?wait=park', 'pipe:?wait=park'])
      await expect(spawnPeer(shm, address, ECHO), address).rejects.toEqual(
        failure('ADDRESS_INVALID', 'spawnPeer chooses the address itself'),
      )
  })
})
