import { expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { failure, fresh } from './support/ends.js'
import { minimal } from './support/minimal.js'

it('the transport of the page meets, talks, sees an end and a death, and leaves nothing', async () => {
  const before = descriptors()
  const url = new URL(fresh().href.replace('fifo:', 'minimal:'))
  const listener = await minimal.listen(url)
  const two = async () => Promise.all([minimal.connect(url), listener.accept()])

  const [connected, accepted] = await two()
  const message = new Uint8Array(50_000).fill(7)
  await Promise.all([connected.send(message), accepted!.send(message)])
  for (const end of [connected, accepted!]) expect(Buffer.compare((await end.receive())!, message)).toBe(0)
  expect(accepted!.peer?.pid).toBe(process.pid)
  await Promise.all([connected.close(), accepted!.close()])

  const [doomed, left] = await two()
  doomed.abort()
  await expect(left!.receive()).rejects.toEqual(failure('RESET'))

  await listener.close()
  await turns()
  expect(descriptors()).toEqual(before)
})
