import { fork } from 'node:child_process'
import { once } from 'node:events'
import { spawnPeer } from 'strait'

const block = new Uint8Array(4096)
const KiB = (blocks: number) => `${(blocks * block.length) / 1024} KiB`

// Node's own process.send takes whatever it is given; what the child does not read piles up in this process.
const plain = fork(new URL('./child.js', import.meta.url), ['plain'], { serialization: 'advanced' })
await once(plain, 'message')
plain.kill('SIGSTOP')
let queued = 0
while (queued < 8192) {
  plain.send(block)
  queued++
}
console.log(`process.send, child stopped: took all ${KiB(queued)}`)
plain.kill('SIGKILL')
await once(plain, 'exit')

// The same child and the same mechanism behind a channel: it is full after a window of unread bytes.
const peer = await spawnPeer('fork:', new URL('./child.js', import.meta.url), { execArgv: [] })
peer.kill('SIGSTOP')
let taken = 0
while (peer.channel.trySend(block)) taken++
console.log(`fork:, child stopped: full after ${KiB(taken)}`)

// Nothing of it is lost, and the other direction is bounded likewise.
peer.kill('SIGCONT')
await peer.channel.send(new Uint8Array())
let back = 0
let report = new Uint8Array()
for await (const message of peer.channel) {
  if (message.length === block.length) back++
  else report = new Uint8Array(message)
}
console.log(new TextDecoder().decode(report))
console.log(`of which ${KiB(back)} have arrived here`)
await peer.close()
