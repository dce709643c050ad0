import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run, support } from '../../posix/test/support/programs.js'
import { missing } from '../../rendezvous/test/support/tools.js'

const program = support('../../../transport-shm/test/support/idle.mjs')
const lacking = missing('strace')

/** The system calls that the thread of a channel makes in so many ms in which nothing happens. */
async function calls(wait: string, ms: number, ...args: string[]): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'strait-idle-'))
  try {
    const log = join(directory, 'strace')
    const traced = ['-f', '-qq', '-o', log, process.execPath, program, wait, String(ms), ...args]
    expect(await run('strace', traced)).toMatchObject({ status: 0 })
    const lines = readFileSync(log, 'utf8').split('\n')
    const [begin, end] = ['begin', 'end'].map((name) =>
      lines.findIndex((line) => line.includes(`/strait-test-${name}`)),
    )
    expect(begin).toBeGreaterThan(0)
    expect(end).toBeGreaterThan(begin!)
    // The other threads are Node's own.
    const [thread] = lines[begin!]!.split(' ')
    return (
      lines
        .slice(begin! + 1, end)
        // What another thread interrupts, strace prints in two halves.
        .filter((line) => line.startsWith(`${thread} `) && !/<\.\.\. \w+ resumed>/.test(line))
        .map((line) => /([a-z_0-9]+)\(/.exec(line)?.[1] ?? line)
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** What the engine may do at any time, for itself. */
const ENGINE = ['brk', 'futex', 'madvise', 'mmap', 'munmap', 'mprotect']

describe.skipIf(lacking !== undefined)(`C14 an idle channel (skipped without strace)`, () => {
  it.each(['adaptive', 'park'])(
    'that waits by %s makes no system call in 5 s, at neither end',
    async (wait) => {
      const made = (await calls(wait, 5_000)).filter((call) => !ENGINE.includes(call))
      // The event loop goes to sleep, and is woken by the timer that ends the 5 s.
      expect(made.filter((call) => !/^epoll_p?wait$/.test(call))).toEqual([])
      expect(made.length).toBeLessThanOrEqual(4)
    },
  )

  it.each(['adaptive', 'park'])(
    'for which a thread blocks, by %s, makes none but its return to JavaScript each 50 ms',
    async (wait) => {
      const made = (await calls(wait, 5_000, 'blocking')).filter((call) => !ENGINE.includes(call))
      expect(made.filter((call) => call === 'poll').length).toBeLessThanOrEqual(5_000 / 50 + 2)
      // Adaptive counts the processors when looking was in vain, and then looks less and less.
      const others = made.filter((call) => call !== 'poll')
      expect(others.filter((call) => call !== 'sched_getaffinity')).toEqual([])
      expect(others.length).toBeLessThanOrEqual(wait === 'park' ? 0 : 20)
    },
  )

  it.each([[], ['blocking']])(
    'that waits by spin gives the processor to others again and again %s',
    async (...blocking) => {
      const made = await calls('spin', 200, ...blocking)
      expect(made.filter((call) => call === 'sched_yield').length).toBeGreaterThan(10)
    },
  )
})
