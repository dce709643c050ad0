import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const support = (name: string) => fileURLToPath(new URL(`./support/${name}`, import.meta.url))

/** A tracer may be missing, and containers often forbid it to look at other processes. */
const traces = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

/** What strace writes of a program between its two marks, a call a line, and what it has written before. */
function traced(calls: string, program: string, ...args: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'strait-sem-proof-'))
  try {
    const out = join(directory, 'trace')
    const options = ['-f', '-yy', '-s', '0', '-e', `trace=${calls}`, '-e', 'signal=none', '-o', out]
    const { status } = spawnSync('strace', [...options, process.execPath, support(program), ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    expect(status).toBe(0)
    const lines = readFileSync(out, 'utf8').split('\n')
    const [begin = -1, end = -1] = ['begin', 'end'].map((mark) =>
      lines.findIndex((line) => line.includes(`"/strait-proof/${mark}"`)),
    )
    expect(begin).toBeGreaterThan(0)
    expect(end).toBeGreaterThan(begin)
    return { before: lines.slice(0, begin), during: lines.slice(begin + 1, end) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** How many bytes calls have moved, by the descriptor, which strace shows as what it is. */
function moved(lines: readonly string[]): Map<string, number> {
  const bytes = new Map<string, number>()
  const unfinished = new Map<string, string>()
  for (const line of lines) {
    const [, thread = '', started] =
      /^(\d+) +(?:\w+\(\d+<(.+?)>(?:\(deleted\))?,|<\.\.\. \w+ resumed>)/.exec(line) ?? []
    const descriptor = started ?? unfinished.get(thread)
    if (descriptor === undefined) continue
    if (line.endsWith('<unfinished ...>')) {
      unfinished.set(thread, descriptor)
      continue
    }
    unfinished.delete(thread)
    const count = Number(/\) += (\d+)$/.exec(line)?.[1] ?? 0)
    bytes.set(descriptor, (bytes.get(descriptor) ?? 0) + count)
  }
  return bytes
}

const MOVING = [
  ...['access', 'faccessat', 'faccessat2', 'futex'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'sendto', 'sendmsg', 'sendmmsg', 'splice', 'vmsplice'],
  ...['read', 'readv', 'pread64', 'preadv', 'recvfrom', 'recvmsg', 'recvmmsg', 'tee'],
]
  .map((call) => `?${call}`)
  .join(',')

describe.skipIf(!traces)('while 1 MiB passes there and back over sem: (needs strace that may trace)', () => {
  it('the kernel wakes those who wait for semaphores, and moves not one byte of it', () => {
    const { before, during } = traced(MOVING, 'talk.mjs', 'begin')
    const bytes = moved(during)
    const wakes = during.filter((line) => /futex\(0x[0-9a-f]+, FUTEX_WAKE, 2147483647\) += [1-9]/.test(line))
    const sleeps = during.filter((line) => /futex\(0x[0-9a-f]+, FUTEX_WAIT, 0, NULL/.test(line))
    // A message takes 17 slots, one more than there are. Who comes just before the other one sleeps need not wake him.
    expect(wakes.length).toBeGreaterThanOrEqual(4)
    expect(sleeps.length).toBeGreaterThanOrEqual(4)
    // What a thread tells its event loop, 8 bytes each time, is not the message.
    const others = [...bytes].filter(([descriptor]) => descriptor !== 'anon_inode:[eventfd]')
    expect(others.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(256)
    // From beginning to end, on the socket at which they have met: the greeting and the memory.
    const control = [...moved(before), ...bytes].filter(([descriptor]) => descriptor.includes('@"strait/'))
    expect(control.length).toBeGreaterThan(0)
    expect(control.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(256)
  })
})

describe.skipIf(!traces)('C14 an idle channel (needs strace that may trace)', () => {
  it('makes no system call in 3 s, with three threads that wait', () => {
    const { during } = traced('all', 'idle.mjs')
    const calls = during
      .filter((line) => !/<\.\.\. \w+ resumed>/.test(line))
      .map((line) => /([a-z_0-9]+)\(/.exec(line)?.[1] ?? line)
    // What the engine may do at any time for itself; and the event loop goes to sleep until the 3 s are over.
    const engine = ['brk', 'futex', 'madvise', 'mmap', 'munmap', 'mprotect', 'epoll_wait', 'epoll_pwait', '']
    expect(calls.filter((call) => !engine.includes(call))).toEqual([])
    expect(calls.filter((call) => call.startsWith('epoll')).length).toBeLessThanOrEqual(4)
    // Of the futexes none is that of a semaphore, which is not private.
    expect(during.filter((line) => /FUTEX_(WAIT|WAKE),/.test(line))).toEqual([])
  })
})
