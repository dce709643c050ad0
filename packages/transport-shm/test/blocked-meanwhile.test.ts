import { expect, it } from 'vitest'
import { fresh } from '../../rendezvous/test/support/ends.js'
import { shm } from '../src/index.js'

it('a receive that sleeps in the event loop is woken although its thread has blocked meanwhile', async () => {
  const url = new URL(fresh('?wait=park').href.replace('fifo:', 'shm:'))
  const listener = await shm.listen(url)
  const near = await shm.connect(url)
  const far = (await listener.accept())!
  const waiting = near.receive()
  while (near.stats().parks === 0) await new Promise((resolve) => setImmediate(resolve))
  // The thread sleeps as well, and wakes without anything having happened.
  expect(() => near.receiveSync({ timeout: 1 })).toThrow('nothing within 1 ms')
  await far.send(Uint8Array.of(7))
  expect(await waiting).toEqual(Uint8Array.of(7))
  near.abort()
  far.abort()
  await listener.close()
}, 20_000)
