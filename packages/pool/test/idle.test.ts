import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allEnded, turn } from './support/processes.js'

const program = fileURLToPath(new URL('support/parent.mjs', import.meta.url))
const URLS = [...(supported ? ['shm:'] : []), 'unix:', 'worker:']
const noStrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0

let directory: string
let parent: ChildProcess
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-pool-'))
})
afterEach(() => {
  parent.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

describe.skipIf(noStrace)('an idle pool (skipped without strace)', () => {
  it.each(URLS)('over %s makes no system call, and neither do its workers', async (url) => {
    // The engine collects garbage later, when nothing happens: that is not the pool's.
    parent = spawn(process.execPath, ['--no-memory-reducer', program, url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [line] = await once(parent.stdout!, 'data')
    const workers = String(line).match(/\d+/g)!.map(Number)
    expect(workers).toHaveLength(2)
    const all = [...new Set([parent.pid!, ...workers])]
    await Promise.all(all.map(settled))
    expect((await Promise.all(all.map(traced))).flat()).toEqual([])
    parent.kill('SIGKILL')
    await allEnded(all)
  })

  it('is seen when it does something', async () => {
    parent = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 100)'])
    await once(parent.stdout!, 'data')
    expect((await traced(parent.pid!)).length).toBeGreaterThan(0)
  })
})

const threadsOf = (pid: number) => readdirSync(`/proc/${pid}/task`)

/** Resolves when no thread has run for a while: what follows a start is over then, as the work of the engine's threads. */
async function settled(pid: number): Promise<void> {
  const switches = () =>
    threadsOf(pid)
      .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'))
      .join()
  for (let before = ''; before !== switches(); await new Promise((resolve) => setTimeout(resolve, 200)))
    before = switches()
}

/** The system calls that the threads of a process begin within a second. */
async function traced(pid: number): Promise<string[]> {
  const log = join(directory, String(pid))
  const strace = spawn('strace', ['-f', '-qq', '-o', log, '-p', String(pid)], { stdio: 'inherit' })
  const threads = threadsOf(pid)
  const isTraced = (thread: string) =>
    /TracerPid:\t[1-9]/.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))
  while (!threads.every(isTraced)) await turn()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const ended = once(strace, 'exit')
  strace.kill('SIGINT')
  await ended
  const seen = new Set<string>()
  // Of each thread the first line is the call in which it has been all the time.
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.includes('<detached ...>'))
    .filter((line) => {
      const [thread = ''] = line.split(' ')
      const first = !seen.has(thread)
      seen.add(thread)
      return !first
    })
}
