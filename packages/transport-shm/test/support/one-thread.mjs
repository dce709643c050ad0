// Both ends in one thread, bound to one processor. Says in JSON how often, at most, it has looked in place in a receive
// that came soon after a wake-up and found nothing, and in one that blocked for a moment in vain.
import { shm } from '@strait/transport-shm'

const url = new URL(`shm:one-thread-${process.pid}`)
const listener = await shm.listen(url)
const connected = await shm.connect(url)
const accepted = await listener.accept()
await listener.close()
const turn = () => new Promise((resolve) => setImmediate(resolve))

let awaited = 0
let blocked = 0
for (let i = 0; i < 300; i++) {
  const { parks } = accepted.stats()
  const receiving = accepted.receive()
  connected.trySend(Uint8Array.of(i))
  await receiving
  const before = accepted.stats().spins
  const next = accepted.receive()
  awaited = Math.max(awaited, accepted.stats().spins - before)
  while (accepted.stats().parks === parks) await turn()
  connected.trySend(Uint8Array.of(i))
  await next
}
for (let i = 0; i < 20; i++) {
  const before = accepted.stats().spins
  try {
    accepted.receiveSync({ timeout: 1 })
  } catch {
    // Nothing comes.
  }
  blocked = Math.max(blocked, accepted.stats().spins - before)
}
console.log(JSON.stringify({ awaited, blocked }))
connected.abort()
accepted.abort()
