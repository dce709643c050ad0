import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./worker.js', import.meta.url))

/**
 * Starts a process that plays a role. What it inherits has the descriptors 3, 4, …; its standard input says when this
 * process has ended.
 */
export function start(role: string, args: string[] = [], inherited: number[] = []): ChildProcess {
  return spawn(process.execPath, [program, role, ...args], {
    stdio: ['pipe', 'pipe', 'inherit', ...inherited],
  })
}

/** Resolves once all have ended well; should one fail, the others are killed. */
export async function allEnd(children: ChildProcess[]): Promise<void> {
  try {
    await Promise.all(children.map(endsWell))
  } catch (error) {
    for (const child of children) child.kill('SIGKILL')
    throw error
  }
}

async function endsWell(child: ChildProcess): Promise<void> {
  const [code, signal] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${child.spawnargs.slice(2).join(' ')} ended with ${signal ?? code}`)
}
