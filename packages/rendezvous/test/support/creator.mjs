// Makes recorded FIFOs: `hold` two of them until killed; `step N` two of them, killed before the Nth system call;
// `churn N` so many rounds of making two and sweeping; `sweep` only sweeps.
import fs from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'

const [, , command, argument] = process.argv

if (command === 'step') {
  let left = Number(argument)
  const step = (object, name) => {
    const call = object[name]
    object[name] = (...args) => {
      if (--left === 0) process.kill(process.pid, 'SIGKILL')
      return call.apply(object, args)
    }
  }
  const addon = createRequire(import.meta.resolve('@strait/posix'))('../build/Release/strait_posix.node')
  for (const name of ['open', 'lockFile', 'mkfifo', 'close']) step(addon, name)
  for (const name of ['mkdirSync', 'lstatSync', 'writeSync', 'unlinkSync', 'rmdirSync']) step(fs, name)
  syncBuiltinESMExports()
}

const { native } = await import('@strait/posix')
const { HeldRecord, sweep } = await import('@strait/rendezvous')
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = fs.constants
const system = native()

function check(result) {
  if (result < 0) throw new Error(`errno ${-result}`)
  return result
}

/** As `fifo:` does it. */
function round() {
  const record = HeldRecord.create('listen')
  const opened = []
  for (const name of [`${record.name}-there`, `${record.name}-back`]) {
    const path = join(record.directory, name)
    record.add({ kind: 'fifo', name })
    check(system.mkfifo(path, 0o600))
    for (const flags of [O_RDONLY, O_WRONLY]) opened.push(check(system.open(path, flags | O_NONBLOCK, 0)))
    fs.unlinkSync(path)
  }
  for (const descriptor of opened) system.close(descriptor)
  record.release()
}

if (command === 'hold') {
  const record = HeldRecord.create('listen')
  for (const name of [`${record.name}-there`, `${record.name}-back`]) {
    record.add({ kind: 'fifo', name })
    check(system.mkfifo(join(record.directory, name), 0o600))
  }
  console.log('holding')
  process.stdin.on('end', () => process.exit()).resume()
} else if (command === 'step') {
  round()
} else {
  for (let i = 0; i < Number(argument ?? 1); i++) {
    if (command === 'churn') round()
    sweep()
  }
  console.log('done')
}
