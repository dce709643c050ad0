// What the workers do: ours, and those that call a function by its name with its arguments.
import { threadId } from 'node:worker_threads'

export const add = (a, b) => a + b
export const fib = (n) => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
export const echo = (bytes) => bytes
export const where = () => `${process.pid} ${threadId}`
