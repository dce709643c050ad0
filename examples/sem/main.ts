import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { NamedSemaphore, SysvSemaphore } from '@strait/posix'
import { sem } from '@strait/transport-sem'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)

// Two bare semaphores: one by whose name others wait for us, and one whose permit comes back if its holder is killed.
const name = `example-${randomUUID()}`
const go = NamedSemaphore.create(`/${name}`)
const tool = SysvSemaphore.private(1, { undo: true })

// A channel whose slots are handed over by semaphores.
const listener = await sem.listen(new URL(`sem:${name}`))
const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const worker = spawn(process.execPath, [program, name, String(tool.id)], { stdio: 'inherit' })
const exited = once(worker, 'exit')
const channel = (await listener.accept())!

// The worker takes nothing yet: so many jobs as there are slots find a space, and the next one does not.
let jobs = 0
while (channel.trySend(bytes(String(jobs + 1)))) jobs++
console.log(`jobs that found a space: ${jobs}`)
go.release()
let sum = 0
for (let answers = 0; answers < jobs; answers++) sum += Number(text(await channel.receive()))
console.log(`fib(1) + … + fib(${jobs}) = ${sum}`)

// What a killed process had taken of a POSIX semaphore is lost. Of the other kind the kernel gives it back.
console.log(`the worker has the tool: ${!tool.tryAcquire()}`)
worker.kill('SIGKILL')
await exited
await tool.acquire()
console.log(`the worker was killed: ${(await channel.closed).error?.code}, and the tool is back`)

// Both would stay until somebody removes them.
console.log(`removed: ${go.unlink()} ${tool.unlink()}`)
go.close()
tool.close()
await listener.close()
