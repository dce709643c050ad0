// Sends 1 MiB to a peer and gets it back, between two system calls that a tracer sees: access(2) of two paths that are
// not there.
import { existsSync } from 'node:fs'
import { parentChannel, spawnPeer } from '@strait/core/node'
import { sem } from '@strait/transport-sem'

const PART = 64 * 1024

if (process.argv[2] === 'begin') {
  const peer = await spawnPeer(sem, 'sem:', new URL(import.meta.url))
  const exchange = async () => {
    await peer.channel.send(new Uint8Array(PART))
    await peer.channel.receive()
  }
  await exchange()
  existsSync('/strait-proof/begin')
  for (let sent = 0; sent < 1024 * 1024; sent += PART) await exchange()
  existsSync('/strait-proof/end')
  await peer.close()
} else {
  const channel = await parentChannel(async () => sem)
  for await (const message of channel) await channel.send(message)
}
