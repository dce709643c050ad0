// Sends 64 KiB both ways at once between two processes, and checks every byte.
//
//   both-ways.mjs          starts the other one, prints what became of it
//   both-ways.mjs sync     the same, where the other one blocks its thread
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { signal } from '@strait/transport-signal'

const SIZE = 64 * 1024
const pattern = (seed) =>
  Uint8Array.from({ length: SIZE }, (_, index) => (index * 31 + (index >> 8) + seed) & 0xff)
const [, , role, address] = process.argv

if (role === 'connect' || role === 'connect sync') {
  const channel = await signal.connect(new URL(address))
  if (role === 'connect') await Promise.all([channel.send(pattern(2)), check(channel, 1)])
  else {
    // What leaves and what comes at once, only an event loop can do; so one behind the other.
    if (!equal(channel.receiveSync(), 1)) process.exit(3)
    channel.sendSync(pattern(2))
  }
  await channel.close()
} else {
  const url = new URL(`signal:both-ways-${process.pid}`)
  const listener = await signal.listen(url)
  const program = fileURLToPath(import.meta.url)
  const args = [program, role === 'sync' ? 'connect sync' : 'connect', url.href]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  const exited = once(child, 'exit')
  const channel = await listener.accept()
  await Promise.all([channel.send(pattern(1)), check(channel, 2)])
  await channel.close()
  const [code] = await exited
  console.log(`every byte came, the other one ended with ${code}`)
  await listener.close()
}

async function check(channel, seed) {
  if (!equal(await channel.receive(), seed)) throw new Error('other bytes came')
}

function equal(message, seed) {
  return Buffer.from(message).equals(pattern(seed))
}
