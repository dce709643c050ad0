// Opens a channel with both ends here, speaks and closes it; killed before the Nth of the system calls that matter to
// what is left.
import fs from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'

let left = Number(process.argv[2])
const step = (object, name) => {
  const call = object[name]
  object[name] = (...args) => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL')
    return call.apply(object, args)
  }
}
const addon = createRequire(import.meta.resolve('@strait/posix'))('../build/Release/strait_posix.node')
for (const name of ['open', 'lockFile', 'msgGet', 'msgRemove', 'msgSendPacket', 'msgState']) step(addon, name)
for (const name of ['mkdirSync', 'writeSync', 'unlinkSync', 'rmdirSync']) step(fs, name)
syncBuiltinESMExports()

const { sysvMq } = await import('@strait/transport-sysv-mq')
const url = new URL(`sysv-mq:step-${process.pid}`)
const listener = await sysvMq.listen(url)
const [near, far] = await Promise.all([sysvMq.connect(url), listener.accept()])
await near.send(Uint8Array.of(1))
await far.receive()
await Promise.all([near.close(), far.close(), listener.close()])
