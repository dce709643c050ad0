import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SignalQueue } from '@strait/posix'
import { signal } from '@strait/transport-signal'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)

// A signal carries 64 bits, if it is queued. Told where, anybody of this user can send one, in any language.
using queue = SignalQueue.open()
console.log(`a queue of signal ${queue.signal}`)
SignalQueue.send(queue.address, queue.signal, 0x0123_4567_89ab_cdefn)
const { value, pid } = await queue.receive()
console.log(`it has brought ${value.toString(16)}, and says it is from this process: ${pid === process.pid}`)

// A channel cuts its messages into such signals, 5 bytes in each.
const address = new URL(`signal:example-${randomUUID()}`)
const listener = await signal.listen(address)
const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const worker = spawn(process.execPath, [program, address.href], { stdio: 'inherit' })
const exited = once(worker, 'exit')
const channel = (await listener.accept())!
console.log(`the worker is there, on the kernel's word: ${channel.peer?.pid === worker.pid}`)
for (const n of [20, 21, 22]) {
  await channel.send(bytes(String(n)))
  console.log(`fib(${n}) = ${text(await channel.receive())}`)
}

// Nobody's program runs when a signal comes: the worker blocks it, and reads it like a file when it has time.
console.log(`the worker blocks signal ${signalsIn('SigBlk')}`)
worker.kill('SIGSTOP')
while (!/^State:\s+T/m.test(status())) await setImmediate()
await channel.send(bytes('23'))
console.log(`stopped, it has pending signal ${signalsIn('SigPnd')}`)
worker.kill('SIGCONT')
console.log(`fib(23) = ${text(await channel.receive())}`)

// A signal tells nobody that its receiver was killed. The socket at which the two have met does.
worker.kill('SIGKILL')
await exited
console.log(`the worker was killed: ${(await channel.closed).error?.code}`)
await listener.close()

/** What the kernel says of the worker's first thread. */
function status(): string {
  return readFileSync(`/proc/${worker.pid}/status`, 'utf8')
}

/** The numbers in a set of signals. */
function signalsIn(set: 'SigBlk' | 'SigPnd'): string {
  const mask = BigInt(`0x${new RegExp(`^${set}:\\s+(\\w+)`, 'm').exec(status())![1]}`)
  return Array.from({ length: 64 }, (_, index) => index + 1)
    .filter((number) => (mask >> BigInt(number - 1)) & 1n)
    .join(', ')
}
