import { fifo } from '@strait/transport-fifo'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
const text = (message: Uint8Array) => new TextDecoder().decode(message)

// Having nothing else to do, it may as well block: a loop as one writes it in C, without await.
const channel = await fifo.connect(new URL(process.argv[2]!), { wait: 10_000 })
for (;;) {
  const job = channel.receiveSync()
  if (job === undefined) break
  channel.sendSync(new TextEncoder().encode(String(fib(Number(text(job))))))
}
