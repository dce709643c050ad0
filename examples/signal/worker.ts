import { signal } from '@strait/transport-signal'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))

const channel = await signal.connect(new URL(process.argv[2]!), { wait: 10_000 })
for await (const job of channel) {
  const n = Number(new TextDecoder().decode(job))
  await channel.send(new TextEncoder().encode(String(fib(n))))
}
