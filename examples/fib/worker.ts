import { json, parentChannel, typed } from 'strait'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))

const parent = typed<number>(await parentChannel(), json)
await parent.send(process.pid)
for await (const n of parent) await parent.send(fib(n))
