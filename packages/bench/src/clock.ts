import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/**
 * The monotonic clock, in ns since this thread began. A number, because a `bigint` is an allocation; the difference of
 * two, rounded, is exact for days.
 */
export const now = (): number => performance.now() * 1e6

/** When this thread began, in ns of the monotonic clock that all processes share. Exact to some 100 ns. */
export const began: number = findBeginning()

/** Both clocks are read one after the other; the best of some attempts is one in which nothing came in between. */
function findBeginning(): number {
  let best = { gap: Number.POSITIVE_INFINITY, beginning: 0 }
  for (let attempt = 0; attempt < 20; attempt++) {
    const before = now()
    const shared = Number(process.hrtime.bigint())
    const gap = now() - before
    if (gap < best.gap) best = { gap, beginning: shared - before - gap / 2 }
  }
  return best.beginning
}

/** CPU time that this process has used, in ns. */
export function ownCpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/**
 * CPU time that another process has used, in ns. From /proc/pid/task/tid/schedstat, whose first number is exact for a
 * thread that sleeps; undefined where the kernel does not count it.
 */
export function cpuTimeOf(pid: number): number | undefined {
  try {
    let sum = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
    }
    return sum
  } catch {
    return undefined
  }
}

/** CPU time that all processes of the machine have used, in ns; it moves in steps of 10 ms. */
export function machineCpuTime(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) * 1e6
}
