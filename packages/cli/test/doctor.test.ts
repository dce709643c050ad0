import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { schemes } from 'strait'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { coreQuota } from '../dist/doctor/quota.js'
import { has, temporary, withoutAddon } from './objects.js'
import { strait } from './strait.js'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

interface Check {
  readonly group: string
  readonly name: string
  readonly verdict: string
  readonly value: string | number
  readonly change?: string
  readonly problem?: string
  readonly mend?: string
}

afterEach(() => vi.unstubAllEnvs())

async function diagnose(): Promise<{ code: number | null; find: (name: string) => Check; checks: Check[] }> {
  const { code, stdout } = await strait(['doctor', '--json'])
  const { checks } = JSON.parse(stdout) as { checks: Check[] }
  return { code, checks, find: (name) => checks.find((check) => check.name === name)! }
}

describe('strait doctor', () => {
  it('tells each limit as the kernel has it, with the command that changes it', async () => {
    const { code, find } = await diagnose()
    const value = Number(readFileSync('/proc/sys/fs/pipe-max-size', 'utf8'))
    expect(find('fs.pipe-max-size')).toMatchObject({
      group: 'limits',
      value,
      change: 'sudo sysctl -w fs.pipe-max-size=1048576',
    })
    expect(find('ulimit -n').change).toBe('sudo prlimit --pid $$ --nofile=65536')
    expect(code).toBe(0)
  })

  it.skipIf(!has('prlimit'))('warns of a limit that is too low, and is no failure', () => {
    const limits = ['--nofile=512:512', '--msgqueue=100:100', '--sigpending=10:10']
    const { status, stdout } = spawnSync('prlimit', [...limits, process.execPath, MAIN, 'doctor'], {
      encoding: 'utf8',
    })
    expect(stdout).toMatch(/^ {2}! warn +ulimit -n +512 /m)
    const advice = stdout.slice(stdout.indexOf('To mend'))
    expect(advice).toContain('sudo prlimit --pid $$ --nofile=65536')
    expect(advice).toContain('sudo prlimit --pid $$ --msgqueue=819200')
    expect(advice).toContain('sudo prlimit --pid $$ --sigpending=16384')
    expect(status).toBe(0)
  })

  it.skipIf(!has('prlimit'))('gives a command that prlimit understands', async () => {
    const { checks } = await diagnose()
    const options = checks.flatMap(({ change = '' }) => /prlimit --pid \$\$ (--\w+)/.exec(change)?.[1] ?? [])
    expect(options).toHaveLength(4)
    for (const option of options) execFileSync('prlimit', [option], { stdio: 'ignore' })
  })

  it('has a line for every transport', async () => {
    const { checks } = await diagnose()
    const names = checks.filter(({ group }) => group === 'transports').map(({ name }) => name)
    expect(names).toEqual(schemes.map((scheme) => `${scheme}:`))
  })

  it('says where the addon is missing what lacks it and what to install, and is no failure', async () => {
    vi.stubEnv('NODE_OPTIONS', withoutAddon())
    const { code, find } = await diagnose()
    expect(find('native addon')).toMatchObject({
      verdict: 'warn',
      problem: 'the native addon is not built',
      mend: expect.stringContaining('compiler'),
    })
    expect(find('pipe:')).toMatchObject({ verdict: 'warn', problem: 'the native addon is not built' })
    expect(find('unix:').verdict).toBe('ok')
    expect(code).toBe(0)
  })

  it('fails where something essential is broken', async () => {
    const file = join(temporary(), 'without-tcp.mjs')
    writeFileSync(
      file,
      `import { register } from 'node:module'
      const hook = \`export const resolve = (name, context, next) => {
        if (name === '@strait/transport-tcp') throw new Error('planted')
        return next(name, context)
      }\`
      register('data:text/javascript,' + encodeURIComponent(hook))`,
    )
    vi.stubEnv('NODE_OPTIONS', `--import=${file}`)
    const { code, stdout, stderr } = await strait(['doctor'])
    expect(stdout).toMatch(/^ {2}✗ broken +tcp: /m)
    expect(stdout).toContain('planted (tcp:)')
    expect(stderr).toContain('strait: broken: tcp:')
    expect(code).toBe(1)
  })

  it.skipIf(!supported)('finds a runtime directory that others may enter', async () => {
    const directory = temporary()
    vi.stubEnv('XDG_RUNTIME_DIR', directory)
    mkdirSync(join(directory, 'strait'), { mode: 0o755 })
    expect((await diagnose()).find('runtime directory')).toMatchObject({
      verdict: 'warn',
      problem: expect.stringContaining('is open to other users'),
    })
  })
})

describe('the quota of control groups', () => {
  function machine(files: Readonly<Record<string, string>>): string {
    const root = temporary()
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), `${text}\n`)
    }
    return root
  }

  it('is the least that any group around this process grants', () => {
    const root = machine({
      '/proc/mounts': 'proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0',
      '/proc/self/cgroup': '0::/a.slice/b.scope',
      '/sys/fs/cgroup/cpu.max': 'max 100000',
      '/sys/fs/cgroup/a.slice/cpu.max': '150000 100000',
      '/sys/fs/cgroup/a.slice/b.scope/cpu.max': '400000 100000',
    })
    expect(coreQuota(root)).toBe(1.5)
  })

  it('is read in version 1, also where the path is the host’s', () => {
    const root = machine({
      '/proc/mounts': 'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0',
      '/proc/self/cgroup': '2:memory:/x\n1:cpu,cpuacct:/docker/0123',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '50000',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000',
    })
    expect(coreQuota(root)).toBe(0.5)
  })

  it('is none where none is set', () => {
    const root = machine({
      '/proc/mounts': 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\ncgroup /cpu cgroup rw,cpu 0 0',
      '/proc/self/cgroup': '1:cpu:/\n0::/',
      '/sys/fs/cgroup/cpu.max': 'max 100000',
      '/cpu/cpu.cfs_quota_us': '-1',
      '/cpu/cpu.cfs_period_us': '100000',
    })
    expect(coreQuota(root)).toBeUndefined()
    expect(coreQuota(machine({}))).toBeUndefined()
  })
})
