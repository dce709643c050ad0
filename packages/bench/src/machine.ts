import { execFile } from 'node:child_process'
import { cpus, release, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Where figures were taken; without it they mean nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
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
