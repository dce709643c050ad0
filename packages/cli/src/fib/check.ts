import type { SpawnedPeer } from 'strait'
import type { Hello, Job, Result } from './protocol.js'

/** What a thread's id is when it has ended. */
const ENDED = -1

/** fib(n) by another way than the workers', with fib(0) = fib(1) = 1. */
export function expected(n: number): number {
  let [last, next] = [1, 1]
  for (let count = 0; count < n; count++) [last, next] = [next, last + next]
  return last
}

/** How many processes, or threads of one, the workers were. */
export function countWorkers(workers: readonly Hello[]): number {
  return new Set(workers.map(({ pid, tid }) => `${pid} ${tid}`)).size
}

/** What is wrong when all have said hello: some have ended since. */
export function missingWorkers(
  peers: readonly Pick<SpawnedPeer, 'channel' | 'process' | 'thread'>[],
): string[] {
  const alive = peers.filter(({ channel, process, thread }) => {
    const processLives = (process?.exitCode ?? process?.signalCode ?? null) === null
    return channel.state === 'open' && processLives && thread?.threadId !== ENDED
  })
  if (alive.length === peers.length) return []
  return [`only ${alive.length} of ${peers.length} workers were alive before the first job`]
}

/** What is wrong: fewer processes or threads than workers, unless the transport stays in this thread. */
export function sharedWorkers(workers: readonly Hello[], staysHere: boolean): string[] {
  const count = countWorkers(workers)
  if (staysHere || count === workers.length) return []
  return [`${workers.length} jobs had only ${count} processes or threads`]
}

/** What is wrong with a result. */
export function wrongResult({ n, value, pid }: Hello & Job & Result): string[] {
  const right = expected(n)
  return value === right ? [] : [`process ${pid} says fib(${n}) = ${value}, but it is ${right}`]
}
