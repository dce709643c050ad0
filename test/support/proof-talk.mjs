// Sends 1 MiB to a peer of the scheme of its first argument, and gets it back, between two system calls that a tracer
// sees: access(2) of two paths that are not there.
import { existsSync } from 'node:fs'
import { parentChannel, spawnPeer } from 'strait'

const [, , scheme] = process.argv
const PART = 64 * 1024

if (scheme === undefined) {
  const channel = await parentChannel()
  for await (const message of channel) await channel.send(message)
} else {
  const peer = await spawnPeer(`${scheme}:`, new URL(import.meta.url))
  const exchange = async () => {
    await peer.channel.send(new Uint8Array(PART))
    await peer.channel.receive()
  }
  await exchange()
  existsSync('/strait-proof/begin')
  for (let sent = 0; sent < 1024 * 1024; sent += PART) await exchange()
  existsSync('/strait-proof/end')
  await peer.close()
}
