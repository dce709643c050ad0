import { type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The path of a file beside this one. */
export const support = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export const has = (program: string, ...args: string[]) =>
  spawnSync(program, args.length > 0 ? args : ['--version'], { stdio: 'ignore' }).status === 0

export interface Ran {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

/** Runs a program to its end; `descriptors` are its 3, 4, … */
export async function run(
  program: string,
  args: readonly string[],
  { descriptors = [], env }: { descriptors?: number[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit', ...descriptors]
  const child = spawn(program, args, { stdio, env: { ...process.env, ...env } })
  let output = ''
  child.stdout!.on('data', (data) => {
    output += data
  })
  const [status, signal] = await once(child, 'close')
  return { status, signal, output: output.trim() }
}

/** The program in C, compiled for this run. */
export function compileObjects(): { path: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'strait-c-'))
  const path = join(directory, 'objects')
  const { status, stderr } = spawnSync(
    'cc',
    ['-O1', '-Wall', '-Wextra', '-Werror', support('objects.c'), '-o', path, '-lrt'],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  return { path, remove: () => rmSync(directory, { recursive: true }) }
}
