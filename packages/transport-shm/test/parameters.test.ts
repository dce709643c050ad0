import { describe, expect, it } from 'vitest'
import { failure } from '../../rendezvous/test/support/ends.js'
import { shm } from '../src/index.js'
import { parametersOf } from '../src/parameters.js'
import { fresh, nothingIsLeft, two } from './support/ends.js'

nothingIsLeft()

const parameters = (query: string) => parametersOf(new URL(`shm:jobs${query}`), 'connect')

describe('C10 the parameters of an address', () => {
  it('are adaptive waiting and rings of 64 KiB unless told', () => {
    expect(parameters('')).toEqual({ wait: 'adaptive', ring: 65536 })
    expect(parameters('?at=/run/app.sock')).toEqual({ wait: 'adaptive', ring: 65536 })
    expect(parameters('?wait=park&at=/run/app.sock&ring=8192')).toEqual({ wait: 'park', ring: 8192 })
  })

  it('choose one of three ways to wait', () => {
    for (const wait of ['spin', 'adaptive', 'park']) expect(parameters(`?wait=${wait}`).wait).toBe(wait)
    for (const wait of ['', 'Spin', 'parks', 'poll', 'constructor'])
      expect(() => parameters(`?wait=${wait}`), wait).toThrowError(
        failure('ADDRESS_INVALID', `wait is spin, adaptive, park, not '${wait}'`),
      )
  })

  it('choose a ring that is a power of two from 4096 to 67108864', () => {
    for (let ring = 4096; ring <= 67108864; ring *= 2) expect(parameters(`?ring=${ring}`).ring).toBe(ring)
    const wrong = ['', '0', '2048', '4095', '4097', '12288', '134217728', '4294971392', `${2 ** 64}`]
    for (const ring of [...wrong, '-4096', '4096.0', '4e3', '0x1000', ' 4096', '64k'])
      expect(() => parameters(`?ring=${ring}`), ring).toThrowError(
        failure('ADDRESS_INVALID', `ring is a power of two from 4096 to 67108864, in bytes, not '${ring}'`),
      )
  })

  it('are refused by listen and connect alike, and others than these are unknown', async () => {
    const wrong = { '?wait=now': 'wait is', '?ring=1': 'ring is', '?key=x': "unknown parameter 'key'" }
    for (const [query, words] of Object.entries(wrong)) {
      await expect(shm.listen(fresh(query))).rejects.toEqual(failure('ADDRESS_INVALID', words))
      await expect(shm.connect(fresh(query))).rejects.toEqual(failure('ADDRESS_INVALID', words))
    }
    for (const query of ['?wait=park&wait=park', '?ring=4096&ring=8192'])
      await expect(shm.listen(fresh(query))).rejects.toEqual(failure('ADDRESS_INVALID', 'stands twice'))
  })

  it('of the ring are the listener’s, and those of waiting are each end’s own', async () => {
    const url = fresh('?ring=4096&wait=park')
    const listener = await shm.listen(url)
    const connected = await shm.connect(new URL(url.href.replace('park', 'spin').replace('4096', '8192')))
    const accepted = (await listener.accept())!
    expect([accepted.maxClaimSize, connected.maxClaimSize]).toEqual([4096 / 2 - 16, 4096 / 2 - 16])
    await Promise.all([connected.close(), accepted.close()])
    await listener.close()
  })

  it('let a whole ring be as large as it may', async () => {
    const [here, there] = await two('?ring=67108864')
    const message = new Uint8Array(16 * 1024 * 1024).fill(7)
    await here.send(message)
    expect(here.stats().sentRecords).toBe(1)
    expect(Buffer.compare((await there.receive())!, message)).toBe(0)
  })
})
