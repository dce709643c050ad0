// Starts a peer while all descriptors but a few are in use; says the code of the error.
import { closeSync, openSync } from 'node:fs'
import { loadTransport, spawnPeer } from 'strait'

const [address, spare] = process.argv.slice(2)
await loadTransport(address.slice(0, -1))
const options = { stdio: ['ignore', 'ignore', 'ignore'] }
const entry = new URL('./throws.mjs', import.meta.url)
// What Node opens on first use is open from now on.
await spawnPeer(address, entry, options).catch(() => {})

const used = []
try {
  for (;;) used.push(openSync('/dev/null'))
} catch {
  for (let i = 0; i < Number(spare); i++) closeSync(used.pop())
}
const error = await spawnPeer(address, entry, options).catch((error) => error)
for (const fd of used) closeSync(fd)
console.log(error.code ?? String(error))
