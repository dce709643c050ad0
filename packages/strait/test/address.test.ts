import { describe, expect, it } from 'vitest'
import { connect, listen, schemes, spawnPeer } from '../src/index.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const verbs = {
  listen: (address: string) => listen(address),
  connect: (address: string) => connect(address),
  spawn: (address: string) => spawnPeer(address, new URL('./support/peer.mjs', import.meta.url)),
}

describe.each(Object.entries(verbs))('C10 %s', (operation, verb) => {
  it.each(['unx:/tmp/x', 'tpc://127.0.0.1:1', 'constructor:x', 'hasownproperty:x', 'http://127.0.0.1'])(
    'a typo such as %s lists what there is',
    async (address) => {
      const error = await verb(address).then(
        () => undefined,
        (error) => error,
      )
      expect(error).toEqual(code('ADDRESS_INVALID'))
      expect(error.operation).toBe(operation)
      for (const scheme of schemes) expect(error.message).toContain(`${scheme}:`)
    },
  )

  it.each([
    '',
    '/tmp/x',
    'unix:/tmp/../x',
    'tcp://me:secret@127.0.0.1:1',
    'unix:/a b',
    'UNIX:/x',
    'unix:/x#y',
  ])('refuses %j', async (address) => {
    await expect(verb(address)).rejects.toEqual(code('ADDRESS_INVALID'))
  })
})

describe('C10 a scheme without addresses', () => {
  it('is NOT_SUPPORTED by listen and connect, with a hint', async () => {
    await expect(listen('fork:')).rejects.toEqual(code('NOT_SUPPORTED'))
    await expect(connect('fork:')).rejects.toThrow(/spawnPeer/)
  })

  it.each(['tcp://127.0.0.1:7000', 'unix:/tmp/x', 'mem:name', 'fork:x', 'unix:?a=1'])(
    'and spawnPeer takes no address such as %s',
    async (address) => {
      await expect(verbs.spawn(address)).rejects.toEqual(code('ADDRESS_INVALID'))
    },
  )
})
