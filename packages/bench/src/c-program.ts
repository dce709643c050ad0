import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BENCHMARKS = fileURLToPath(new URL('../../../benchmarks/', import.meta.url))
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror']

/** A program in C or C++. */
export interface CProgram {
  /** Of the file that is made of it. */
  readonly name: string
  /** Paths below `benchmarks`; the program is put into `build` beside the last one. */
  readonly units: readonly string[]
  readonly libraries: readonly string[]
  /** The packages of Debian that it needs beside the compiler. */
  readonly packages: string
}

export interface BuildOptions {
  /** Default: `CC` of the environment, or cc. */
  compiler?: string | undefined
  /** Where the program is put. */
  directory?: string | undefined
  /** Further flags. */
  flags?: readonly string[] | undefined
}

/**
 * Compiles a program, unless that has been done since it was changed, and returns the path of what was made. Rejects
 * with the reason where it cannot be had.
 */
export async function buildProgram(program: CProgram, options: BuildOptions = {}): Promise<string> {
  const units = program.units.map((path) => join(BENCHMARKS, path))
  const { compiler = process.env.CC ?? 'cc', directory = join(dirname(units.at(-1)!), 'build') } = options
  const built = join(directory, program.name)
  if (await isNewer(built, await sourcesBeside(units))) return built
  await mkdir(directory, { recursive: true })
  // Under a name of its own first: another bench may be building, or running the program.
  const fresh = `${built}.${randomUUID()}`
  const flags = [...FLAGS, ...(options.flags ?? [])]
  try {
    await promisify(execFile)(compiler, [...flags, '-o', fresh, ...units, ...program.libraries])
  } catch (error) {
    throw new Error(reason(compiler, program, error as Failure))
  }
  await rename(fresh, built)
  return built
}

/** The units, and the headers that they may include. */
async function sourcesBeside(units: readonly string[]): Promise<string[]> {
  const directories = [...new Set(units.map((unit) => dirname(unit)))]
  try {
    const lists = await Promise.all(
      directories.map(async (directory) => (await readdir(directory)).map((name) => join(directory, name))),
    )
    return lists.flat().filter((path) => path.endsWith('.h') || units.includes(path))
  } catch {
    throw new Error('it comes with a clone of the repository, not with the package')
  }
}

async function isNewer(program: string, sources: readonly string[]): Promise<boolean> {
  const built = await stat(program).catch(() => undefined)
  if (built === undefined) return false
  const changed = await Promise.all(sources.map(async (path) => (await stat(path)).mtimeMs))
  return built.mtimeMs >= Math.max(...changed)
}

type Failure = Error & { code?: string | number; stderr?: string }

function reason(compiler: string, { packages }: CProgram, { code, stderr, message }: Failure): string {
  if (code === 'ENOENT') return `there is no C compiler (${compiler}); on Debian: apt install gcc libc6-dev`
  const header = /fatal error: (\S+): No such file/.exec(stderr ?? '')?.[1]
  if (header !== undefined) return `there is no ${header}; on Debian: apt install ${packages}`
  return `${compiler} cannot build it: ${stderr?.trim() || message}`
}
