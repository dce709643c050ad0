import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('../..', import.meta.url))

/** The headers of this Node, where they stand beside it or node-gyp has brought them; undefined: nowhere. */
export const headers = [
  join(dirname(dirname(process.execPath)), 'include/node'),
  join(homedir(), '.cache/node-gyp', process.versions.node, 'include/node'),
].find((directory) => existsSync(join(directory, 'node_api.h')))

export const sources = readdirSync(join(home, 'native'))
  .filter((name) => name.endsWith('.cc'))
  .map((name) => join(home, 'native', name))

const built = join(home, 'build/Release/obj.target/strait_posix/native')

/** What the addon was linked of; empty: it was not built here. */
export const objects = existsSync(built)
  ? readdirSync(built)
      .filter((name) => name.endsWith('.o'))
      .map((name) => join(built, name))
  : []

/** Compiles with the warnings that count as errors; what the compiler says. */
export function compile(compiler: string, args: readonly string[]): string {
  const flags = ['-std=c++20', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden', '-fPIC', `-I${headers}`]
  const { status, stderr } = spawnSync(compiler, [...flags, ...args], { encoding: 'utf8' })
  return status === 0 ? '' : stderr || `${compiler} exited with ${status}`
}
