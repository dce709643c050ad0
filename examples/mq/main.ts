import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MessageQueue } from '@strait/posix'
import { mq } from '@strait/transport-mq'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)

// A bare queue. Messages wait in the kernel for whoever opens the name, now or later, in whatever language.
const name = `example-${randomUUID()}`
const queue = MessageQueue.create(`/${name}`, { maxMessages: 3, maxMessageSize: 64 })
await queue.send(bytes('20'))
await queue.send(bytes('21'))
await queue.send(bytes('22'), { priority: 9 })
console.log(`room for another: ${queue.trySend(bytes('23'))}`)

// A channel of queues. The worker takes first what waits in the bare one, then connects.
const listener = await mq.listen(new URL(`mq:${name}`))
const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const worker = spawn(process.execPath, [program, name], { stdio: 'inherit' })
const exited = once(worker, 'exit')
const channel = (await listener.accept())!
console.log(`left in the queue: ${queue.attributes.messages}`)
console.log(`its name was still there: ${queue.unlink()}`)
queue.close()

// The channel's own queues had names for a moment. What is left of them is what /proc says.
const QUEUE = /^\/strait-[0-9a-f]+-(there|back)( \(deleted\))?$/
const queues = paths().filter((path) => QUEUE.test(path))
for (const path of queues.sort()) console.log(`a descriptor of ${path.replace(QUEUE, '/strait-…-$1$2')}`)

for (const n of [23, 24, 25]) {
  await channel.send(bytes(String(n)))
  console.log(`fib(${n}) = ${text(await channel.receive())}`)
}

// It waits in a blocking call, and a queue has no end that anybody could see. The socket beside it has.
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
