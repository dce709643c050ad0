import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A program that says lines and is told lines. */
export interface Child {
  readonly process: ChildProcess
  /** The next line that it says; rejects when it ends instead. */
  line(): Promise<string>
  say(line: string): void
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** SIGSTOP, and until none of its threads runs any more. */
  freeze(): Promise<void>
  /** SIGKILL, and until it is gone. */
  kill(): Promise<void>
}

export function start(program: URL, args: readonly string[] = []): Child {
  const child = spawn(process.execPath, [program.pathname, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: string[] = []
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = []
  let over = false
  child.stdin.on('error', () => {})
  createInterface({ input: child.stdout })
    .on('line', (line) => {
      const next = waiting.shift()
      if (next === undefined) lines.push(line)
      else next.resolve(line)
    })
    .on('close', () => {
      over = true
      for (const next of waiting.splice(0)) next.reject(new Error('the child has ended'))
    })
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return {
    process: child,
    exit,
    line() {
      const line = lines.shift()
      if (line !== undefined) return Promise.resolve(line)
      if (over) return Promise.reject(new Error('the child has ended'))
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    say: (line) => void child.stdin.write(`${line}\n`),
    async freeze() {
      child.kill('SIGSTOP')
      const states = () =>
        readdirSync(`/proc/${child.pid}/task`).map((thread) =>
          /\) (\w)/.exec(readFileSync(`/proc/${child.pid}/task/${thread}/stat`, 'utf8'))?.at(1),
        )
      while (!states().every((state) => state === 'T')) await new Promise((resolve) => setImmediate(resolve))
    },
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}
