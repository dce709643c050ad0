import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { json, listen, typed } from 'strait'

const address = `fifo:example-${randomUUID()}`

// Two programs that know nothing of each other but a name. Either may be there first.
const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const worker = spawn(process.execPath, [program, address], { stdio: 'inherit' })
const exited = once(worker, 'exit')
const listener = await listen(address)
console.log(`a second listener: ${await listen(address).catch((error) => error.code)}`)

const channel = (await listener.accept())!
console.log(`the worker is there, on the kernel's word: ${channel.peer?.pid === worker.pid}`)

// The FIFOs had names for a moment, in the runtime directory. What is left of them is what /proc says.
const FIFO = /^.*\/[0-9a-f]+-(there|back)( \(deleted\))?$/
const fifos = paths().filter((path) => FIFO.test(path))
for (const path of fifos.sort()) console.log(`a descriptor of ${path.replace(FIFO, '…-$1$2')}`)

const jobs = typed<number>(channel, json)
for (const n of [20, 21, 22]) {
  await jobs.send(n)
  console.log(`fib(${n}) = ${await jobs.receive()}`)
}

// It waits in a blocking call. The death of its process reaches us all the same, by the kernel.
worker.kill('SIGKILL')
await exited
console.log(`the worker was killed: ${(await channel.closed).error?.code}`)
await listener.close()

/** What the descriptors of this process are. */
function paths(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`)
    } catch {
      return [] // the one that read the directory
    }
  })
}
