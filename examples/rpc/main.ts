import { createClient } from '@strait/rpc'
import { spawnPeer } from 'strait'
import type { Functions } from './functions.js'

const peer = await spawnPeer(process.argv[2] ?? 'unix:', new URL('./functions.js', import.meta.url))
const child = createClient<Functions>(peer.channel)

// Many at once: each is answered when it is done.
const numbers = await Promise.all([20, 21, 22].map((n) => child.fib(n)))
console.log(`fib: ${numbers.join(' ')}`)

// Bytes travel as they are, beside the codec.
console.log(`reversed: ${(await child.reverse(Uint8Array.of(1, 2, 3))).join(' ')}`)

// A stream, a few values ahead of who reads it; to leave the loop ends it at the other end.
const primes: number[] = []
for await (const prime of child.primes.iterate()) if (primes.push(prime) === 10) break
console.log(`primes: ${primes.join(' ')}`)

// What is thrown there is thrown here, with its class.
await child.fail().catch((error: Error) => console.log(`${error instanceof RangeError}: ${error.message}`))

// To give up a call aborts its handler, too.
await child.sleep
  .with({ timeout: 10 })()
  .catch((error) => console.log(error.code))

// Whoever is killed answers no more.
const lost = child.sleep().catch((error) => console.log(error.code))
peer.kill('SIGKILL')
await lost
await peer.exited
