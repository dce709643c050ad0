import { isMainThread, threadId } from 'node:worker_threads'
import { answerQuestions } from '@strait/bench'
import { json, parentChannel, typed } from 'strait'
import type { Hello, Job, Result } from './protocol.js'

const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))

const channel = await parentChannel()
const parent = typed<Hello | Result, Job>(channel, json)
await parent.send({ pid: process.pid, ...(isMainThread ? {} : { tid: threadId }) })
await answerQuestions(channel)
for await (const { n } of parent) await parent.send({ value: fib(n) })
