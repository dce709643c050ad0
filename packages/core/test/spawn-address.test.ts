import { describe, expect, it } from 'vitest'
import { mem } from '../src/mem.js'
import { type PeerTransport, spawnPeer } from '../src/node/index.js'

const failure = (words: string) =>
  expect.objectContaining({ code: 'ERR_STRAIT_ADDRESS_INVALID', message: expect.stringContaining(words) })

/** Says which addresses it was asked to listen at, and refuses. */
function addressed(): { transport: PeerTransport; asked: string[] } {
  const asked: string[] = []
  const transport: PeerTransport = {
    schemes: ['with'],
    capabilities: { ...mem.capabilities, scope: 'host' },
    privateAddress: () => new URL('with:private'),
    listen: (url) => {
      asked.push(url.href)
      return Promise.reject(new Error('refused'))
    },
  }
  return { transport, asked }
}

/** Its ends are handed over, so they have no addresses. */
const without: PeerTransport = {
  schemes: ['without'],
  capabilities: { ...mem.capabilities, scope: 'host' },
  inherit: {
    open: () => {
      throw new Error('opened')
    },
    child: () => Promise.reject(new Error('child')),
  },
}

const ENTRY = new URL('./nobody.mjs', import.meta.url)

describe('C10 the address given to spawnPeer', () => {
  it('may be of a scheme that has no URL without a host', async () => {
    const { transport, asked } = addressed()
    const own = { ...transport, schemes: ['ws'], privateAddress: () => new URL('ws://127.0.0.1:0/private') }
    await expect(spawnPeer(own, 'ws:', ENTRY)).rejects.toThrow('refused')
    expect(asked).toEqual(['ws://127.0.0.1:0/private'])
  })

  it('is a scheme, and its parameters go to the private address', async () => {
    const { transport, asked } = addressed()
    for (const address of ['with:', 'with:?wait=park', 'with:?wait=park&ring=4096'])
      await expect(spawnPeer(transport, address, ENTRY)).rejects.toThrow('refused')
    expect(asked).toEqual(['with:private', 'with:private?wait=park', 'with:private?wait=park&ring=4096'])
  })

  it('has no name, and is of this transport', async () => {
    const { transport, asked } = addressed()
    for (const address of [
      'with:name',
      'with:name?wait=park',
      'with',
      '',
      '?wait=park',
      'other:',
      'other:?a=b',
    ])
      await expect(spawnPeer(transport, address, ENTRY), address).rejects.toEqual(
        failure('spawnPeer chooses the address itself'),
      )
    expect(asked).toEqual([])
  })

  it('has no parameters where the transport has no addresses', async () => {
    for (const address of ['without:?wait=park', 'without:?'])
      await expect(spawnPeer(without, address, ENTRY), address).rejects.toEqual(
        failure('spawnPeer chooses the address itself; write only without:'),
      )
    await expect(spawnPeer(without, 'without:', ENTRY)).rejects.toThrow('opened')
  })
})
