import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'

/** How many processors this process may use at a time, by its affinity and by the quota of its cgroup; cgroups(7). */
export function parallelism(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(quota())))
}

/** Of its control group and those above it, as a number of processors. */
function quota(): number {
  let least = Number.POSITIVE_INFINITY
  for (let group = ownGroup(); group !== undefined; group = group === '/' ? undefined : dirname(group)) {
    try {
      const [limit, period] = readFileSync(`/sys/fs/cgroup${group}/cpu.max`, 'utf8').split(' ')
      if (limit !== 'max') least = Math.min(least, Number(limit) / Number(period))
    } catch {
      // The root has no limit.
    }
  }
  return least
}

/** undefined: there are no groups, or only the older kind. */
function ownGroup(): string | undefined {
  try {
    return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
