import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const SOURCES = fileURLToPath(new URL('../../../benchmarks/floors/', import.meta.url))
const FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror']
/** Where an older libc has semaphores and queues. */
const LIBRARIES = ['-pthread', '-lrt']

export interface BuildOptions {
  /** Default: `CC` of the environment, or cc. */
  compiler?: string | undefined
  /** Where the program is put. Default: beside the sources. */
  directory?: string | undefined
  /** Further flags. */
  flags?: readonly string[] | undefined
}

/**
 * Compiles the floors, unless that has been done since they were changed, and returns the path of the program. Rejects
 * with the reason where they cannot be had.
 */
export async function buildFloors(options: BuildOptions = {}): Promise<string> {
  const { compiler = process.env.CC ?? 'cc', directory = join(SOURCES, 'build'), flags = [] } = options
  const program = join(directory, 'floor')
  const sources = await findSources()
  if (await isNewer(program, sources)) return program
  await mkdir(directory, { recursive: true })
  // Under a name of its own first: another bench may be building, or running the program.
  const fresh = `${program}.${randomUUID()}`
  const units = sources.filter((path) => path.endsWith('.c'))
  try {
    await promisify(execFile)(compiler, [...FLAGS, ...flags, '-o', fresh, ...units, ...LIBRARIES])
  } catch (error) {
    throw new Error(reason(compiler, error as NodeJS.ErrnoException & { stderr?: string }))
  }
  await rename(fresh, program)
  return program
}

async function findSources(): Promise<string[]> {
  try {
    return (await readdir(SOURCES)).filter((name) => /\.[ch]$/.test(name)).map((name) => join(SOURCES, name))
  } catch {
    throw new Error('the floors come with a clone of the repository, not with the package')
  }
}

async function isNewer(program: string, sources: readonly string[]): Promise<boolean> {
  const built = await stat(program).catch(() => undefined)
  if (built === undefined) return false
  const changed = await Promise.all(sources.map(async (path) => (await stat(path)).mtimeMs))
  return built.mtimeMs >= Math.max(...changed)
}

function reason(compiler: string, { code, stderr, message }: NodeJS.ErrnoException & { stderr?: string }) {
  if (code === 'ENOENT') return `there is no C compiler (${compiler}); on Debian: apt install gcc libc6-dev`
  return `${compiler} cannot build them: ${stderr?.trim() || message}`
}
