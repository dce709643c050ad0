import { once } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { type BaseChannel, parseAddress } from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { type BlockingMethod, blockIn, blocking } from './actor.js'

// A worker thread that is blocked in a call of its channel: what a process or its main thread must be able to end.

interface Task {
  readonly module: string
  readonly exported: string
  readonly method: BlockingMethod
  /** Whom to connect to; without it, the thread has both ends of a pair. */
  readonly address: string | undefined
}

/** What marks a worker as one of ours. */
const MARK = 'strait blocked thread'

/** `asleep` resolves once the kernel says that the thread waits. */
export function startBlockedThread(
  { module, exported }: Pick<Task, 'module' | 'exported'>,
  method: BlockingMethod,
  address?: string,
): { worker: Worker; asleep: Promise<void> } {
  const task: Task = { module, exported, method, address }
  const worker = new Worker(new URL(import.meta.url), { workerData: { [MARK]: task } })
  const started = once(worker, 'message') as Promise<[string]>
  return { worker, asleep: started.then(([thread]) => untilAsleep(thread)) }
}

/** Waits until a thread of a directory of /proc sleeps; proc_pid_stat(5). */
export async function untilAsleep(thread: string): Promise<void> {
  while (stateOf(thread) !== 'S') await new Promise((resolve) => setImmediate(resolve))
}

/** Waits until a process that was sent SIGSTOP has stopped. */
export async function untilStopped(pid: number): Promise<void> {
  while (stateOf(`/proc/${pid}`) !== 'T') await new Promise((resolve) => setImmediate(resolve))
}

function stateOf(thread: string): string | undefined {
  // Behind the name, which may hold anything, in parentheses.
  return /\) (\w) /.exec(readFileSync(`${thread}/stat`, 'utf8'))?.[1]
}

async function run({ module, exported, method, address }: Task): Promise<void> {
  const transport: PeerTransport = (await import(module))[exported]
  const [channel] = await (address === undefined
    ? transport.pair!()
    : transport.connect!(parseAddress(address, 'connect')).then((connected) => [connected as BaseChannel]))
  parentPort!.postMessage(`/proc/${readlinkSync('/proc/thread-self')}`)
  blockIn(method, blocking(channel as BaseChannel))
}

const task: Task | undefined = workerData?.[MARK]
if (task !== undefined) await run(task)
