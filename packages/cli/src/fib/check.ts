import type { SpawnedPeer } from 'strait'
import type { Hello, Job, Result } from './protocol.js'

/** fib(n) by another way than the workers', with fib(0) = fib(1) = 1. */
export function expected(n: number): number {
  let [last, next] = [1, 1]
  for (let count = 0; count < n; count++) [last, next] = [next, last + next]
  return last
}

export function countProcesses(workers: readonly Hello[]): number {
  return new Set(workers.map(({ pid }) => pid)).size
}

/** What is wrong when all have said hello: some have ended since. */
export function missingWorkers(peers: readonly Pick<SpawnedPeer, 'channel' | 'process'>[]): string[] {
  const alive = peers.filter(({ channel, process }) => {
    return channel.state === 'open' && (process?.exitCode ?? process?.signalCode ?? null) === null
  })
  if (alive.length === peers.length) return []
  return [`only ${alive.length} of ${peers.length} workers were alive before the first job`]
}

/** What is wrong: fewer processes than workers, unless the transport stays in this process. */
export function missingProcesses(workers: readonly Hello[], staysHere: boolean): string[] {
  const processes = countProcesses(workers)
  if (staysHere || processes === workers.length) return []
  return [`${workers.length} jobs had only ${processes} processes`]
}

/** What is wrong with a result. */
export function wrongResult({ n, value, pid }: Hello & Job & Result): string[] {
  const right = expected(n)
  return value === right ? [] : [`process ${pid} says fib(${n}) = ${value}, but it is ${right}`]
}
