// Has both ends of a channel that waits as its first argument says, and nothing to do for so many ms as its second says; with
// a third argument the thread blocks meanwhile. Says to strace from when until when, by calls that fail.
import { accessSync } from 'node:fs'
import { shm } from '@strait/transport-shm'

const [, , wait, ms, blocking] = process.argv
const IDLE = Number(ms)

const mark = (name) => {
  try {
    accessSync(`/strait-test-${name}`)
  } catch {
    // It is only there to be seen.
  }
}

const url = new URL(`shm:idle-${process.pid}?wait=${wait}&ring=4096`)
const listener = await shm.listen(url)
const connected = await shm.connect(url)
const accepted = await listener.accept()
await listener.close()
await connected.send(Uint8Array.of(1))
await accepted.receive()

if (blocking !== undefined) {
  mark('begin')
  try {
    accepted.receiveSync({ timeout: IDLE })
  } catch (error) {
    mark('end')
    process.exit(error.code === 'ERR_STRAIT_TIMEOUT' ? 0 : 1)
  }
  process.exit(1)
}

// Both wait for messages, if only for the end, and for room.
const flood = async (channel) => {
  for (;;) await channel.send(new Uint8Array(100))
}
flood(connected)
flood(accepted)

const begin = () => {
  mark('begin')
  setTimeout(() => {
    mark('end')
    process.exit(0)
  }, IDLE)
}
// When both have slept for many turns of the event loop, if they ever do.
let seen = ''
let turns = 0
const look = () => {
  const stats = [connected, accepted].map((each) => each.stats())
  const now = JSON.stringify(stats)
  turns = now === seen && stats.every(({ parks }) => parks > 0) ? turns + 1 : 0
  seen = now
  if (wait !== 'spin' && turns < 100) setImmediate(look)
  else begin()
}
look()
