import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Pool } from '@strait/pool'
import { supported } from '@strait/posix'
import { afterEach, describe, expect, it } from 'vitest'
import { allEnded, runs } from './support/processes.js'

const support = (name: string) => fileURLToPath(new URL(`support/${name}`, import.meta.url))
const url = supported ? 'shm:' : 'unix:'
const noPython = spawnSync('python3', ['-c', 'import os; os.pidfd_open']).status !== 0

const SOAK = process.env.STRAIT_SOAK === 'pool'
/** How much later than the line for which it waits Ctrl-C comes, in ms; a start takes its time. */
const delays = (after: string) =>
  SOAK ? Array.from({ length: 60 }, (_, n) => n * 5) : after === 'begun' ? [0, 60] : [0]

let terminal: ChildProcess | undefined
afterEach(() => {
  if (terminal === undefined) return
  for (const pid of inTerminalOf(terminal.pid!)) process.kill(pid, 'SIGKILL')
  terminal.kill('SIGKILL')
})

/** The processes of the session whose leader is this process's child. */
function inTerminalOf(pid: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // Parent, process group, session; proc_pid_stat(5).
        const text = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1)!
        const [, parent, , session] = text.split(' ').map(Number)
        return [{ pid: Number(name), parent, session }]
      } catch {
        return []
      }
    })
  const leader = all.find(({ parent }) => parent === pid)
  return all
    .filter(({ session }) => leader !== undefined && session === leader.pid)
    .map(({ pid }) => pid)
    .filter(runs)
}

/** Runs the program, and types ^C so much later than it has printed this line. All that it printed. */
async function interrupt(args: readonly unknown[], after: string, ms: number): Promise<string[]> {
  const program = [process.execPath, support('interrupted.mjs'), url, ...args.map(String)]
  terminal = spawn('python3', [support('terminal.py'), ...program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: string[] = []
  let pids: number[] = []
  let typed = false
  for await (const line of createInterface({ input: terminal.stdout! })) {
    lines.push(line)
    if (typed || line !== after) continue
    typed = true
    setTimeout(() => {
      pids = inTerminalOf(terminal!.pid!)
      terminal!.stdin!.write('\x03')
    }, ms)
  }
  expect(pids.length).toBeGreaterThan(0)
  await allEnded(pids)
  return lines
}

const ORDERLY = 'ended code 0, terminal intact'
const BY_SIGINT = 'ended signal 2, terminal intact'

describe.skipIf(noPython)('Ctrl-C in a terminal (skipped without python3)', () => {
  // The line behind which it is typed, and the jobs of 20 ms, of which those of a busy pool have no end.
  const moments: [string, string, number, number][] = [
    ['while the workers start', 'begun', 8, 20],
    ['while they work', 'works 0', 40, 20],
    ['while they are idle', 'idle', 8, 0],
  ]

  it.each(moments)('lets a parent that closes its pool finish all jobs, %s', async (_, after, jobs, ms) => {
    for (const later of delays(after)) {
      const lines = await interrupt(['orderly', jobs, ms], after, later)
      expect(lines.slice(-2).map((line) => line.replace('^C', ''))).toEqual([`done ${jobs}`, ORDERLY])
      const begun = lines.filter((line) => line.includes('works '))
      expect(begun).toHaveLength(jobs)
    }
  })

  it.each<(typeof moments)[number]>([moments[0]!, ['in endless loops', 'works 0', 8, 2 ** 40], moments[2]!])(
    'ends a parent that does not handle it, and its workers, %s',
    async (_, after, jobs, ms) => {
      for (const later of delays(after)) {
        const lines = await interrupt(['default', jobs, ms], after, later)
        expect(lines.at(-1)!.replace('^C', '')).toBe(BY_SIGINT)
      }
    },
  )
})

it('an interrupt that workers cannot ignore yet is no failure of theirs: others are started', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'strait-pool-'))
  const starts = join(directory, 'starts')
  try {
    await using pool = new Pool<typeof import('./jobs.mjs')>({
      entry: new URL('./jobs.mjs', import.meta.url),
      url,
      workers: 4,
      execArgv: ['--import', new URL('support/interrupt-five.mjs', import.meta.url).href],
      env: { ...process.env, STARTS: starts },
    })
    await pool.ready()
    expect(await pool.map('fib', [1, 2, 3, 4])).toEqual([1, 2, 3, 5])
    expect(readFileSync(starts, 'utf8').trimEnd().split('\n')).toHaveLength(9)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
