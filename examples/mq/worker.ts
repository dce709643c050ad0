import { MessageQueue } from '@strait/posix'
import { mq } from '@strait/transport-mq'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)
const name = process.argv[2]!

// What was left for whoever comes, the most urgent first.
const queue = MessageQueue.open(`/${name}`, { access: 'read' })
for (let job = queue.tryReceive(); job !== undefined; job = queue.tryReceive())
  console.log(`priority ${job.priority}: fib(${text(job.message)}) = ${fib(Number(text(job.message)))}`)
queue.close()

// Having nothing else to do, it may as well block.
const channel = await mq.connect(new URL(`mq:${name}`), { wait: 10_000 })
for (;;) {
  const job = channel.receiveSync()
  if (job === undefined) break
  channel.sendSync(bytes(String(fib(Number(text(job))))))
}
