import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * How many cores' time the control groups of this process grant, or undefined: as much as there is; cgroups(7). Node 20
 * does not know of it. `root` is where /proc and what is mounted are looked for.
 */
export function coreQuota(root = '/'): number | undefined {
  const read = (...path: string[]) => readOrNothing(join(root, ...path))
  const mounts = table(read('/proc/mounts'), ' ')
  const memberships = table(read('/proc/self/cgroup'), ':')
  const second = mounts.find(([, , type]) => type === 'cgroup2')?.[1]
  const first = mounts.find(([, , type, options]) => type === 'cgroup' && lists(options, 'cpu'))?.[1]
  const quotas = [
    ...groups(second, memberships, '').map((group) => read(group, 'cpu.max').split(' ')),
    ...groups(first, memberships, 'cpu').map((group) => [
      read(group, 'cpu.cfs_quota_us'),
      read(group, 'cpu.cfs_period_us'),
    ]),
  ]
  // `max` and -1 are no quota.
  const granted = quotas.map(([quota, period]) => Number(quota) / Number(period)).filter((cores) => cores > 0)
  return granted.length === 0 ? undefined : Math.min(...granted)
}

/**
 * The directories of the group that this process is in, and of those around it, for each of them may grant less. In a
 * container the path may be the host's: then only the mount itself is there.
 */
function groups(mount: string | undefined, memberships: readonly string[][], controller: string): string[] {
  if (mount === undefined) return []
  // `0::/path` of version 2, `1:cpu,cpuacct:/path` of version 1.
  const path = memberships.find(([, controllers]) => lists(controllers, controller))?.[2] ?? '/'
  const found = [mount]
  for (let at = path; at !== dirname(at); at = dirname(at)) found.push(join(mount, at))
  return found
}

const lists = (text: string | undefined, word: string) => text?.split(',').includes(word) === true

const table = (text: string, separator: string) => text.split('\n').map((line) => line.split(separator))

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
