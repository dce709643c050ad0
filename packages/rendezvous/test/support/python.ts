import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** What a Python program says until it ends. */
export async function python(program: string, ...args: string[]): Promise<string> {
  const child = spawn('python3', ['-c', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  await once(child, 'close')
  return output.trim()
}

/** A Python program that has said its first word and goes on running. */
export async function startPython(program: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn('python3', ['-c', program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
