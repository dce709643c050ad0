import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * How many processors this process may use by the quota of its cgroup and of those above it, cgroups(7), "cpu"; Infinity
 * where there is none.
 */
export function cpuQuota(read = (path: string) => readFileSync(path, 'utf8')): number {
  const attempt = (path: string) => {
    try {
      return read(path)
    } catch {
      return ''
    }
  }
  let least = Number.POSITIVE_INFINITY
  for (const line of attempt('/proc/self/cgroup').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined || (controllers !== '' && !controllers!.split(',').includes('cpu'))) continue
    const root = controllers === '' ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controllers}`
    for (let group = path; ; group = join(group, '..')) {
      const [allowed, period] =
        controllers === ''
          ? attempt(join(root, group, 'cpu.max')).split(' ')
          : ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) => attempt(join(root, group, name)))
      if (Number(allowed) > 0 && Number(period) > 0) least = Math.min(least, Number(allowed) / Number(period))
      if (group === '/') break
    }
  }
  return least
}
