// Both ends in one thread, bound to one processor, that always spin; after some messages the process may use those of the
// first argument. Says in JSON how often it has looked in place in a receive that found nothing, before that and later.
import { spawnSync } from 'node:child_process'
import { shm } from '@strait/transport-shm'

const [, , processors] = process.argv
const url = new URL(`shm:given-more-${process.pid}?wait=spin`)
const listener = await shm.listen(url)
const connected = await shm.connect(url)
const accepted = await listener.accept()
await listener.close()

async function looks() {
  const { spins } = accepted.stats()
  const receiving = accepted.receive()
  const looked = accepted.stats().spins - spins
  connected.trySend(Uint8Array.of(1))
  await receiving
  return looked
}

const before = await looks()
spawnSync('taskset', ['-a', '-c', '-p', processors, String(process.pid)])
for (let i = 0; i < 100; i++) await looks()
console.log(JSON.stringify({ before, later: await looks() }))
connected.abort()
accepted.abort()
