import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { strait } from './strait.js'

export const isRoot = process.geteuid?.() === 0

/** Whether a mount can be made that nobody else sees. */
export function mayMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', '--ipc', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A name that nobody else uses. */
export const unique = () => `strait-cli-test-${randomBytes(6).toString('hex')}`

export function has(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A directory that does not outlive the test. */
export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'strait-cli-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

/** A file where the C library keeps named shared memory and, with `sem.` before the name, semaphores. */
export function sharedMemory(name: string, bytes = 4096): string {
  const path = join('/dev/shm', name)
  writeFileSync(path, new Uint8Array(bytes), { mode: 0o600 })
  onTestFinished(() => rmSync(path, { force: true }))
  return path
}

/** A process that runs until it is killed; resolves when it has printed something. */
export async function lasting(command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout!, 'data')
  return child
}

export async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

export interface Listed {
  readonly name: string
  readonly kind: string
  readonly state: string
  readonly uid?: number
  readonly bytes?: number
  readonly holders: readonly { readonly pid: number; readonly command: string }[]
  readonly details?: string
}

/** What `strait ls` says of it. */
export async function listed(name: string, ...options: string[]): Promise<Listed | undefined> {
  const { stdout } = await strait(['ls', '--json', ...options])
  return JSON.parse(stdout).objects.find((object: Listed) => object.name === name)
}

/** The value of NODE_OPTIONS with which a process finds no addon of ours. */
export function withoutAddon(): string {
  const file = join(temporary(), 'without-addon.mjs')
  writeFileSync(
    file,
    `const dlopen = process.dlopen
    process.dlopen = (module, path, ...rest) => {
      if (path.includes('strait_posix')) throw new Error('planted')
      return dlopen.call(process, module, path, ...rest)
    }`,
  )
  return `--import=${file}`
}
