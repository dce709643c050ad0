// Has both ends of a channel, whose threads both wait, and nothing to do for 3 s. Says to a tracer from when until when,
// by access(2) of two paths that are not there.
import { existsSync } from 'node:fs'
import { sem } from '@strait/transport-sem'

const url = new URL(`sem:idle-${process.pid}`)
const listener = await sem.listen(url)
const connected = await sem.connect(url)
const accepted = await listener.accept()
await listener.close()
await connected.send(Uint8Array.of(1))
await accepted.receive()
// Both wait for messages, if only for the end, and one for room.
while (connected.trySend(new Uint8Array(4096)));
connected.send(new Uint8Array(4096))
setTimeout(() => {
  existsSync('/strait-proof/begin')
  setTimeout(() => {
    existsSync('/strait-proof/end')
    process.exit()
  }, 3000)
}, 500)
