import { readdirSync, readFileSync } from 'node:fs'
import type { Lane } from './lane.js'

/** How often each thread has given up or lost its core, by its number. */
type Counts = ReadonlyMap<string, number>

/** Counts the context switches of all threads of both ends of a lane since it was made. */
export class SwitchCount {
  readonly #pids: readonly number[]
  readonly #before: readonly (Counts | undefined)[]

  constructor({ pid }: Pick<Lane, 'pid'>) {
    this.#pids = pid === undefined ? [process.pid] : [process.pid, pid]
    this.#before = this.#pids.map(countThreads)
  }

  /** Of threads that are there still; undefined where the kernel does not count them. */
  total(): number | undefined {
    let sum = 0
    for (const [end, pid] of this.#pids.entries()) {
      const [before, after] = [this.#before[end], countThreads(pid)]
      if (before === undefined || after === undefined) return undefined
      for (const [thread, count] of after) sum += count - (before.get(thread) ?? 0)
    }
    return sum
  }
}

/** proc_pid_status(5): `voluntary_ctxt_switches` and `nonvoluntary_ctxt_switches`. */
function countThreads(pid: number): Counts | undefined {
  const counts = new Map<string, number>()
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')
      const lines = [...status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s*(\d+)$/gm)]
      if (lines.length === 0) return undefined
      counts.set(
        thread,
        lines.reduce((sum, [, count]) => sum + Number(count), 0),
      )
    }
  } catch {
    return undefined
  }
  return counts
}
