import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { shm } from '@strait/transport-shm'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)

// Each end has a wait strategy of its own: this one leaves the processor as soon as it has nothing to do.
const address = `shm:example-${randomUUID()}`
const listener = await shm.listen(new URL(`${address}?wait=park`))
const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const worker = spawn(process.execPath, [program, address], { stdio: 'inherit' })
const exited = once(worker, 'exit')
const channel = (await listener.accept())!
console.log(`the worker is there, on the kernel's word: ${channel.peer?.pid === worker.pid}`)
const [, inode, name] = memoryOf('self')!
console.log(`both have mapped the same ${name}: ${memoryOf(worker.pid!)?.[1] === inode}`)

// A batch. What there is room for goes into the ring without a promise, and comes out of it without one.
const jobs = [20, 21, 22]
for (const n of jobs) if (!channel.trySend(bytes(String(n)))) await channel.send(bytes(String(n)))
for (const n of jobs) {
  const answer = channel.tryReceive() ?? (await channel.receive())
  console.log(`fib(${n}) = ${text(answer)}`)
}
const { spins, polls } = channel.stats()
console.log(`who parks at once has spun ${spins} times and polled ${polls} times`)

// Nothing more to compute: the worker will read the next message in place, and says when it is ready.
await channel.send(bytes(''))
await channel.receive()
const claim = await channel.claim(4_000 * Float64Array.BYTES_PER_ELEMENT)
const numbers = new Float64Array(claim.bytes.buffer, claim.bytes.byteOffset, 4_000)
for (const index of numbers.keys()) numbers[index] = index + 1
claim.commit()
console.log(`written in place: ${claim.bytes.length} bytes`)
console.log(`read in place: ${text(await channel.receive())}`)

// It waits in a blocking call, and memory has no end that anybody could see. The socket beside it has.
worker.kill('SIGKILL')
await exited
console.log(`the worker was killed: ${(await channel.closed).error?.code}`)
console.log(`the memory is gone: ${memoryOf('self') === null}`)
await listener.close()

/** The memory that a process has mapped: its number in the kernel, and what it is called, for it has no name. */
function memoryOf(pid: number | 'self'): RegExpExecArray | null {
  return /(\d+) +(\/memfd:strait.*)/.exec(readFileSync(`/proc/${pid}/maps`, 'utf8'))
}
