import { expect, it } from 'vitest'
import { cpuQuota } from '../src/cpu-quota.js'

/** A machine that has only these files. */
const quota = (files: Record<string, string>) =>
  cpuQuota((path) => {
    const content = files[path]
    if (content === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' })
    return content
  })

const v2 = (files: Record<string, string>, path = '/jobs/one') =>
  quota({ '/proc/self/cgroup': `0::${path}\n`, ...files })

const v1 = (quotaUs: string, periodUs: string, line = '4:cpu,cpuacct:/jobs') => {
  const [, controllers] = line.split(':')
  return quota({
    '/proc/self/cgroup': `12:memory:/elsewhere\n${line}\n1:name=systemd:/jobs\n`,
    [`/sys/fs/cgroup/${controllers}/jobs/cpu.cfs_quota_us`]: quotaUs,
    [`/sys/fs/cgroup/${controllers}/jobs/cpu.cfs_period_us`]: periodUs,
  })
}

it('there is no quota where no cgroup has one', () => {
  expect(quota({})).toBe(Infinity)
  expect(v2({})).toBe(Infinity)
  expect(v2({ '/sys/fs/cgroup/jobs/one/cpu.max': 'max 100000\n' })).toBe(Infinity)
  expect(v1('-1\n', '100000\n')).toBe(Infinity)
})

it('a quota is its part of the period, perhaps more than one processor', () => {
  expect(v2({ '/sys/fs/cgroup/jobs/one/cpu.max': '50000 100000\n' })).toBe(0.5)
  expect(v2({ '/sys/fs/cgroup/jobs/one/cpu.max': '300000 100000\n' })).toBe(3)
  expect(v1('150000\n', '100000\n')).toBe(1.5)
})

it('the least one counts of a cgroup and those above it', () => {
  const files = {
    '/sys/fs/cgroup/cpu.max': '800000 100000\n',
    '/sys/fs/cgroup/jobs/cpu.max': '100000 50000\n',
    '/sys/fs/cgroup/jobs/one/cpu.max': '400000 100000\n',
  }
  expect(v2(files)).toBe(2)
  expect(v2({ ...files, '/sys/fs/cgroup/cpu.max': '10000 100000\n' })).toBe(0.1)
  expect(v2(files, '/jobs/one/inner')).toBe(2)
  expect(v2(files, '/others')).toBe(8)
  expect(v2(files, '/')).toBe(8)
})

it('the first version is asked where the controller of the processor is, whatever it is called with', () => {
  expect(v1('20000\n', '100000\n')).toBe(0.2)
  expect(v1('20000\n', '100000\n', '4:cpu:/jobs')).toBe(0.2)
  expect(v1('20000\n', '100000\n', '4:cpuacct,cpu:/jobs')).toBe(0.2)
  expect(v1('20000\n', '100000\n', '4:cpuset:/jobs')).toBe(Infinity)
  expect(v1('20000\n', '100000\n', '4:cpuacct:/jobs')).toBe(Infinity)
})

it('where both versions are, the least one counts', () => {
  const files = {
    '/proc/self/cgroup': '4:cpu:/a\n0::/b\n',
    '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '200000',
    '/sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000',
  }
  expect(quota(files)).toBe(2)
  expect(quota({ ...files, '/sys/fs/cgroup/b/cpu.max': '100000 100000' })).toBe(1)
})

it('what is no quota counts for none', () => {
  for (const written of [
    '',
    '\n',
    'max',
    '50000',
    'many 100000',
    '0 100000',
    '-5 100000',
    '5 0',
    '5 -1',
    'NaN NaN',
  ])
    expect(v2({ '/sys/fs/cgroup/jobs/one/cpu.max': written }), written).toBe(Infinity)
  for (const lines of ['', 'nothing', '0:', '0::', '0::relative', 'x:y:/z', ':::'])
    expect(quota({ '/proc/self/cgroup': lines, '/sys/fs/cgroup/cpu.max': '1000 100000' }), lines).toBe(
      Infinity,
    )
})

it('a path with colons is one', () => {
  expect(v2({ '/sys/fs/cgroup/a:b:/c/cpu.max': '50000 100000' }, '/a:b:/c')).toBe(0.5)
})
