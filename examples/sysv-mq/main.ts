import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SysvMessageQueue } from '@strait/posix'
import { sysvMq } from '@strait/transport-sysv-mq'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const work = (...args: string[]) =>
  spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

// A bare queue: one for everybody. Jobs have type 1, and each answer has the type that its asker has asked for.
const JOB = 1
const queue = SysvMessageQueue.private()
const server = work('serve', String(queue.id))
const served = once(server, 'exit')
const ask = async (n: number, answer: number) => {
  await queue.send(bytes(`${n} ${answer}`), { type: JOB })
  return text((await queue.receive({ type: answer })).message)
}
console.log(`fib, answered by type: ${await Promise.all([ask(20, 7), ask(21, 5), ask(22, 9)])}`)
await queue.send(bytes(''), { type: JOB })
await served
console.log(`it stays when its processes are gone, until it is removed: ${queue.unlink()}`)
queue.close()

// A channel has two of its own, which have keys as long as they are there.
const address = `sysv-mq:example-${randomUUID()}`
const listener = await sysvMq.listen(new URL(address))
const worker = work('connect', address)
const exited = once(worker, 'exit')
const channel = (await listener.accept())!
for (const n of [23, 24, 25]) {
  await channel.send(bytes(String(n)))
  console.log(`fib(${n}) = ${text(await channel.receive())}`)
}
const pids = [process.pid, worker.pid!]
console.log(`queues that carried it: ${queuesOf(pids)}`)

// The death of one end is seen by the socket at which they have met, and the other end removes both.
worker.kill('SIGKILL')
await exited
console.log(`the worker was killed: ${(await channel.closed).error?.code}`)
console.log(`left of it: ${queuesOf(pids)}`)

// Where both ends are killed nobody is there to do so. The next who listens finds the record that both had held.
const both = work('both')
await once(createInterface(both.stdout!), 'line')
both.kill('SIGKILL')
await once(both, 'exit')
console.log(`left of two ends that were killed: ${queuesOf([both.pid!])}`)
const next = await sysvMq.listen(new URL(`${address}-next`))
console.log(`when somebody has listened: ${queuesOf([both.pid!])}`)
await next.close()
await listener.close()

/** How many queues there are to which one of these has sent last. */
function queuesOf(pids: readonly number[]): number {
  const [, ...rows] = readFileSync('/proc/sysvipc/msg', 'utf8').trimEnd().split('\n')
  return rows.filter((row) => pids.includes(Number(row.trim().split(/\s+/)[5]))).length
}
