import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, vi } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 })

const running = new Set<ChildProcess>()

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** A directory for sockets and files that does not outlive the test file. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'strait-cli-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  return directory
}

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command with a /dev/shm of its own, in which nothing is, where we may do that. */
const ALONE = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /dev/shm && exec "$0" "$@"']
const canBeAlone = spawnSync(ALONE[0]!, [...ALONE.slice(1), 'true']).status === 0

/** The command as a process of its own, with pipes. */
export class Strait {
  readonly child: ChildProcess
  readonly outcome: Promise<Outcome>
  #stderr = ''

  constructor(args: readonly string[], { readStdout = true, alone = false } = {}) {
    const [command, ...before] = alone && canBeAlone ? [...ALONE, process.execPath] : [process.execPath]
    this.child = spawn(command!, [...before, MAIN, ...args])
    running.add(this.child)
    this.child.stdin!.on('error', () => {})
    this.child.stderr!.setEncoding('utf8').on('data', (piece: string) => {
      this.#stderr += piece
    })
    const stdout = readStdout ? text(this.child.stdout!) : Promise.resolve('')
    this.outcome = once(this.child, 'close').then(async ([code, signal]) => {
      running.delete(this.child)
      return { code, signal, stdout: await stdout, stderr: this.#stderr }
    })
  }

  /** Resolves with the address as bound. */
  async listening(): Promise<string> {
    for (;;) {
      const url = /listening on (\S+)\n/.exec(this.#stderr)?.[1]
      if (url !== undefined) return url
      await Promise.race([
        once(this.child.stderr!, 'data'),
        this.outcome.then(({ stderr }) => {
          throw new Error(`it ended: ${stderr}`)
        }),
      ])
    }
  }
}

/** Runs the command to its end. */
export function strait(args: readonly string[], stdin: string | Uint8Array = ''): Promise<Outcome> {
  const command = new Strait(args)
  command.child.stdin!.end(stdin)
  return command.outcome
}

/** Removes what is dead, but no memory: other tests have some just now, which they left on purpose. */
export function removeDead(...args: readonly string[]): Promise<Outcome> {
  const command = new Strait(['rm', '--dead', ...args], { alone: true })
  command.child.stdin!.end()
  return command.outcome
}
