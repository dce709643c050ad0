import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { afterEach, describe, expect, it } from 'vitest'
import { allEnded, runs } from './support/processes.js'

const program = fileURLToPath(new URL('support/parent.mjs', import.meta.url))
const URLS = [...(supported ? ['shm:'] : []), 'unix:']

let parent: ChildProcess | undefined
const workers: number[] = []

afterEach(() => {
  parent?.kill('SIGKILL')
  for (const pid of workers.splice(0)) if (runs(pid)) process.kill(pid, 'SIGKILL')
})

/** A parent with two workers, of which one is busy where that is asked for. */
async function start(url: string, ...how: string[]): Promise<ChildProcess> {
  parent = spawn(process.execPath, [program, url, ...how], { stdio: ['pipe', 'pipe', 'inherit'] })
  let busy = 0
  for await (const line of createInterface({ input: parent.stdout! })) {
    const pids = line.match(/\d+/g)!.map(Number)
    if (line.startsWith('spins')) busy = pids[0]!
    else workers.push(...pids)
    if (workers.length === 2 && (busy > 0 || !how.includes('busy'))) break
  }
  expect(workers.filter(runs)).toHaveLength(2)
  if (how.includes('busy')) expect(workers).toContain(busy)
  return parent
}

describe.each(URLS)('the workers of a pool over %s', (url) => {
  it('end when their parent is killed', async () => {
    const parent = await start(url)
    parent.kill('SIGKILL')
    await allEnded(workers)
  })

  // Nobody but the kernel stops an endless loop whose parent is gone.
  describe.skipIf(!supported)('of which one is busy', () => {
    it('end when their parent is killed', async () => {
      const parent = await start(url, 'busy')
      parent.kill('SIGKILL')
      await allEnded(workers)
    })

    it('end when their parent is killed, in which a thread had started them', async () => {
      const parent = await start(url, 'busy', 'thread')
      parent.kill('SIGKILL')
      await allEnded(workers)
    })

    it('end when only the thread ends that had started them', async () => {
      const parent = await start(url, 'busy', 'thread')
      parent.stdin!.write('end it')
      await allEnded(workers)
      expect(parent.exitCode).toBeNull()
      const exited = once(parent, 'exit')
      parent.stdin!.end()
      expect(await exited).toEqual([0, null])
    })
  })

  it('end when only the thread ends that had started them, and they are idle', async () => {
    const parent = await start(url, 'thread')
    parent.stdin!.write('end it')
    await allEnded(workers)
    expect(parent.exitCode).toBeNull()
  })
})
