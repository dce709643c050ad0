import { NamedSemaphore, SysvSemaphore } from '@strait/posix'
import { sem } from '@strait/transport-sem'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)
const [name, tool] = process.argv.slice(2)

// Having nothing else to do, it may as well block: for the tool, for the word to begin, and for each job.
SysvSemaphore.fromId(Number(tool), { undo: true }).acquireSync()
const channel = await sem.connect(new URL(`sem:${name}`), { wait: 10_000 })
NamedSemaphore.open(`/${name}`).acquireSync()
for (;;) {
  const job = channel.receiveSync()
  if (job === undefined) break
  channel.sendSync(bytes(String(fib(Number(text(job))))))
}
