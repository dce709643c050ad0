// Has both ends of a channel at the address of its first argument, and nothing else to do. The second argument says what
// it does with them; it says `waiting` when it has nothing left to run.
import { shm } from '@strait/transport-shm'

const [, , address, what] = process.argv
const url = new URL(address)
const listener = await shm.listen(url)
const connected = await shm.connect(url)
const accepted = await listener.accept()
await listener.close()
await connected.send(Uint8Array.of(1))
await accepted.receive()
// Both wait, and never get anything.
const waiting = [connected.receive(), accepted.receive()]
process.on('exit', () => console.log(`exit ${waiting.length}`))
if (what === 'unref') {
  connected.unref()
  accepted.unref()
} else if (what === 'exit') {
  setImmediate(() => process.exit())
} else if (what === 'throw') {
  setImmediate(() => {
    process.exitCode = 0
    process.on('uncaughtException', () => process.exit(3))
    throw new Error('on purpose')
  })
} else {
  // The parent's word is all that is left to come, and does not keep the process alive.
  process.stdin.unref()
  process.stdin.on('data', () => {
    console.log('told')
    connected.abort()
    accepted.abort()
    for (const each of waiting) each.catch(() => {})
  })
  const asleep = () => [connected, accepted].every((each) => each.stats().parks > 0 || what === 'spin')
  const look = () => (asleep() ? console.log('waiting') : setImmediate(look))
  look()
}
