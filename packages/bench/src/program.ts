import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A program that says `ready` and the pids of its processes, answers each line with a line, and ends with its stdin. */
export interface LineProgram {
  readonly pids: readonly number[]
  /** One at a time. Rejects when the program has ended, with what it said on stderr. */
  ask(line: string): Promise<string>
  /** Ends the program and waits until it is gone. */
  close(): Promise<void>
}

/** Rejects where it cannot be started, or ends before it is ready; `name` stands in the errors. */
export async function startProgram(
  name: string,
  command: string,
  args: readonly (string | number)[],
): Promise<LineProgram> {
  const child = spawn(command, args.map(String))
  const closed = once(child, 'close')
  closed.catch(() => {})
  // That nobody reads is told by the answer that does not come.
  child.stdin.on('error', () => {})
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  async function answer(): Promise<string> {
    const line = await lines.next()
    if (!line.done) return line.value
    await closed
    throw new Error(`${name}: ${complaint.trim() || 'it has ended'}`)
  }

  const [, ...pids] = (await answer()).split(' ').map(Number)
  return {
    pids,
    ask(line) {
      child.stdin.write(`${line}\n`)
      return answer()
    },
    async close() {
      child.stdin.end()
      await closed
    },
  }
}
