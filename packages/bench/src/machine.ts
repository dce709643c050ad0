import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { allowedCores } from './placement.js'

/** Where figures were taken; without it they mean nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** So many of them may be used, by affinity; sched_getaffinity(2). */
  readonly usableCores: number
  readonly memoryBytes: number
  /** Runs under a hypervisor, whose other guests nobody sees. */
  readonly virtual: boolean
  readonly kernel: string
  readonly node: string
  /** Of this program, with `-dirty` where files were changed; only in a clone of the repository. */
  readonly commit?: string
}

export async function describeMachine(): Promise<Machine> {
  const commit = await findCommit(fileURLToPath(new URL('.', import.meta.url)))
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    usableCores: allowedCores().length,
    memoryBytes: totalmem(),
    virtual: /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1')),
    kernel: `${type()} ${release()}`,
    node: process.version,
    ...(commit === undefined ? {} : { commit }),
  }
}

/** What git says of the directory. Installed as a dependency we may lie in somebody else's repository. */
async function findCommit(directory: string): Promise<string | undefined> {
  if (directory.includes('/node_modules/')) return undefined
  try {
    const describe = ['-C', directory, 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*']
    const { stdout } = await promisify(execFile)('git', describe)
    return stdout.trim()
  } catch {
    return undefined
  }
}
