// Sends so many parts of 64 KiB to a peer, which says of each that it has come, between two system calls that a tracer
// sees: access(2) of two paths that are not there.
import { existsSync } from 'node:fs'
import { parentChannel, spawnPeer } from '@strait/core/node'
import { signal } from '@strait/transport-signal'

const PART = 64 * 1024

if (process.argv[2] !== 'main') {
  const channel = await parentChannel(async () => signal)
  for await (const message of channel) await channel.send(Uint8Array.of(message.at(-1)))
} else {
  const peer = await spawnPeer(signal, 'signal:', new URL(import.meta.url))
  const exchange = async (byte) => {
    await peer.channel.send(new Uint8Array(PART).fill(byte))
    if ((await peer.channel.receive())[0] !== byte) throw new Error('something else came')
  }
  await exchange(1)
  existsSync('/strait-proof/begin')
  for (let part = 0; part < Number(process.argv[3]); part++) await exchange(part)
  existsSync('/strait-proof/end')
  await peer.close()
}
