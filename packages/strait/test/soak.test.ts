import { describe, expect, it } from 'vitest'
import { peerSchemes, spawnPeer } from '../src/index.js'
import { talk } from './support/soak.mjs'

const MIB = 1024 * 1024
const BYTES = process.env.STRAIT_SOAK ? 512 * MIB : 64 * MIB
/** Of the slow ones a part is enough. */
const SHARE: Readonly<Record<string, number>> = { 'fork:': 4, 'signal:': 16 }
const PEER = new URL('./support/soak-peer.mjs', import.meta.url)

const ADDRESSES = (await peerSchemes()).filter((scheme) => scheme !== 'mem').map((scheme) => `${scheme}:`)

describe.each(ADDRESSES)('C1 C2 C4 two processes or threads over %s', (address) => {
  const bytes = BYTES / (SHARE[address] ?? 1)
  it(`${bytes / MIB} MiB in random sizes each way at once arrive byte for byte`, async () => {
    const peer = await spawnPeer(address, PEER, { args: [String(bytes)] })
    const { sent, received } = await talk(peer.channel, bytes, 1, 2)
    expect(sent).toBeGreaterThan(100)
    expect(received).toBeGreaterThan(100)
    expect(await peer.close()).toEqual({ exitCode: 0, signal: null })
    expect(await peer.channel.closed).not.toHaveProperty('error')
  })
})
