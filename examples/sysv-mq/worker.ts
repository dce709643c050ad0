import { SysvMessageQueue } from '@strait/posix'
import { sysvMq } from '@strait/transport-sysv-mq'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array) => new TextDecoder().decode(message)
const [, , role, where = ''] = process.argv

if (role === 'serve') serve()
else if (role === 'connect') await connect()
else await both()

/** Takes jobs until an empty one, and answers each with the type that it names. */
function serve(): void {
  const queue = SysvMessageQueue.fromId(Number(where))
  for (;;) {
    const job = text(queue.receiveSync({ type: 1 }).message)
    if (job === '') break
    const [n, type] = job.split(' ').map(Number)
    queue.sendSync(bytes(String(fib(n!))), { type: type! })
  }
  queue.close()
}

/** Having nothing else to do, it may as well block. */
async function connect(): Promise<void> {
  const channel = await sysvMq.connect(new URL(where), { wait: 10_000 })
  for (;;) {
    const job = channel.receiveSync()
    if (job === undefined) break
    channel.sendSync(bytes(String(fib(Number(text(job))))))
  }
}

/** Has both ends of a channel, speaks both ways, and waits for its end. */
async function both(): Promise<void> {
  const url = new URL(`sysv-mq:example-${process.pid}`)
  const listener = await sysvMq.listen(url)
  const [near, far] = await Promise.all([sysvMq.connect(url), listener.accept()])
  await near.send(bytes('there'))
  await far!.send(bytes('back'))
  console.log('open')
}
