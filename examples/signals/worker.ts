import { json, parentChannel, typed } from 'strait'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))

// Ctrl-C reaches the whole process group of the terminal. What is to become of this process is for its parent to say.
process.on('SIGINT', () => {})

const channel = await parentChannel()
// To this process alone, from `kill` or a service manager: the end, after what it is at.
process.on('SIGTERM', () => channel.close())

const parent = typed<number>(channel, json)
for await (const n of parent) await parent.send(fib(n))
