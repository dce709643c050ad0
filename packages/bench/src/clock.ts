import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** The monotonic clock, in ns. An integer: 2^53 ns are 104 days of uptime, and a difference is small. */
export const now = process.hrtime.bigint

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
