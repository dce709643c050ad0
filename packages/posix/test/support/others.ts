import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** What other threads and processes import. */
export const BUILT = new URL('../../bundle/index.js', import.meta.url).href

/** A sanitizer that is preloaded into this process is not for the programs of others. */
const { LD_PRELOAD: _, STRAIT_SANITIZED: __, ...environment } = process.env

const missing = (command: string) => spawnSync(command, ['--version'], { env: environment }).status !== 0

export const noCompiler: boolean = missing('cc')
export const noPython: boolean = missing('python3')
export const notRoot: boolean = process.geteuid?.() !== 0 || missing('setpriv')

/** Behind the names of tests that are skipped. */
export const skippedWithoutCompiler: string = noCompiler ? ' (skipped: there is no cc)' : ''
export const skippedWithoutPython: string = noPython ? ' (skipped: there is no python3)' : ''
export const skippedUnlessRoot: string = notRoot ? ' (skipped: needs root and setpriv)' : ''

/** A directory that is there for the time of the work. */
export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'strait-posix-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Compiles support/NAME.c into the directory. */
export function compile(name: string, directory: string): string {
  const program = join(directory, name)
  const args = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-o', program, join(here, `${name}.c`)]
  const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8', env: environment })
  if (status !== 0) throw new Error(stderr)
  return program
}

/** A program of somebody else's, with what it prints when it has ended well. */
export function start(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): { child: ChildProcess; output: Promise<string> } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options, env: environment })
  const printed = child.stdout === null ? Promise.resolve('') : text(child.stdout)
  const output = once(child, 'exit').then(async ([code, signal]) => {
    if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}`)
    return await printed
  })
  output.catch(() => {})
  return { child, output }
}

export const python = (name: string, ...args: string[]) =>
  start('python3', [join(here, `${name}.py`), ...args])

/** Node running a module, perhaps by way of another command; how it ended and what it printed. */
export async function node(
  code: string,
  wrapper: readonly string[] = [],
): Promise<{ code: number | null; out: string }> {
  const [command = '', ...args] = [...wrapper, process.execPath, '--input-type=module', '-e', code]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [[status], out] = await Promise.all([once(child, 'exit'), text(child.stdout)])
  return { code: status, out }
}

export const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const

/** What bytes.c makes, and what it prints. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251)
}

export function described(bytes: Uint8Array): string {
  let hash = 2166136261
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619)
  return `${bytes.length} ${hash >>> 0}\n`
}
