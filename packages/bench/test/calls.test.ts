import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { peerSchemes, schemeOf } from 'strait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WHOLE } from '../../core/test/support/proofs.js'
import { canBlock } from '../dist/index.js'
import { type Calls, callsBetweenMarks } from './support/trace.js'

const PROGRAM = fileURLToPath(new URL('support/traced-lane.mjs', import.meta.url))
const PAGE = fileURLToPath(new URL('../../../docs/mechanisms.md', import.meta.url))
/** Each is traced, which takes its time. */
const ROUNDS = WHOLE ? 1000 : 200

/** What a thread of Node calls in any case: it waits, and it has memory. getpid(2) is the engine's, now and then. */
const ALWAYS = [
  'epoll_wait',
  'epoll_pwait',
  'futex',
  'mmap',
  'munmap',
  'mremap',
  'mprotect',
  'madvise',
  'brk',
]

/** A tracer may be missing, and containers often forbid it to look at other processes. */
const traces = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

/** A line of the table on the page. */
interface Promised {
  readonly url: string
  readonly mode: string
  /** From how many to how many in a round trip, by call. */
  readonly data: Readonly<Record<'asker' | 'peer', Readonly<Record<string, readonly [number, number]>>>>
  readonly besides: readonly string[]
}

const section = readFileSync(PAGE, 'utf8').split('## What a round trip calls')[1]!.split(/^## /m)[0]!
const table: Promised[] = [...section.matchAll(/^\| `(\S+)` +\|(.*)\|$/gm)].map(([, url, rest]) => {
  const [mode, asker, peer, besides] = rest!.split('|').map((cell) => cell.trim())
  return {
    url: url!,
    mode: mode!,
    data: { asker: numbers(asker!), peer: numbers(peer! === 'the same' ? asker! : peer!) },
    besides: [...besides!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  }
})

/** `1–2 \`recvmsg\`` and the like. */
function numbers(cell: string): Record<string, readonly [number, number]> {
  const each = [...cell.matchAll(/([\d.]+)(?:–([\d.]+))? `(\w+)`/g)]
  return Object.fromEntries(each.map(([, low, high = low, name]) => [name!, [Number(low), Number(high)]]))
}

it('a trace has the calls of the thread that made the marks, between them, each once, and none to an eventfd', () => {
  const trace = `
7 write(3<pipe:[1]>, "a", 1) = 1
7 access("/strait-mark/asker/begin", F_OK) = -1 ENOENT (No such file or directory)
7 write(3<pipe:[1]>, "a", 1 <unfinished ...>
8 write(3<pipe:[1]>, "a", 1) = 1
7 <... write resumed>) = 1
7 write(4<anon_inode:[eventfd]>, "a", 8) = 8
7 read(3<pipe:[2]>, "a", 64) = -1 EAGAIN (Resource temporarily unavailable)
7 futex(0x7, FUTEX_WAKE_PRIVATE, 1) = 0
7 access("/strait-mark/asker/end", F_OK) = -1 ENOENT (No such file or directory)
7 read(3<pipe:[2]>, "a", 64) = 1
`
  expect(callsBetweenMarks(trace, 'asker')).toEqual({ write: 1, read: 1, futex: 1 })
  expect(() => callsBetweenMarks(trace, 'peer')).toThrow('the peer has made no marks')
})

const schemes = await peerSchemes()
const separate = schemes.filter((scheme) => scheme !== 'mem')
const testable = table.filter(({ url }) => schemes.includes(schemeOf(url, 'test')))

it('the page says what each transport calls in each mode that it has', async () => {
  const listed = (mode: string) =>
    new Set(testable.filter((line) => line.mode === mode).map(({ url }) => schemeOf(url, 'test')))
  expect([...listed('hot')].sort()).toEqual([...separate].sort())
  const blocking: string[] = []
  for (const scheme of separate) if (await canBlock(`${scheme}:`)) blocking.push(scheme)
  expect([...listed('sync')].sort()).toEqual(blocking.sort())
})

describe.skipIf(!traces)(`in ${ROUNDS} round trips (needs strace that may trace)`, () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'strait-calls-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  function trace(url: string, mode: string): string {
    const out = join(directory, 'trace')
    // The engine's own threads would wake this one now and then.
    const program = [process.execPath, '--single-threaded', PROGRAM, url, mode, String(ROUNDS)]
    const { status, stderr } = spawnSync('strace', ['-f', '-y', '-s', '64', '-o', out, ...program], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    return readFileSync(out, 'utf8')
  }

  const traced = WHOLE ? testable : testable.filter(({ mode }) => mode === 'hot')
  it.each(traced)('over $url, $mode, each end calls what the page says', ({ url, mode, data, besides }) => {
    const written = trace(url, mode)
    for (const end of ['asker', 'peer'] as const) {
      const calls: Calls = callsBetweenMarks(written, end)
      for (const [name, [low, high]] of Object.entries(data[end])) {
        expect(calls[name] ?? 0, `${end}: ${name}`).toBeGreaterThanOrEqual(low * ROUNDS)
        expect(calls[name] ?? 0, `${end}: ${name}`).toBeLessThanOrEqual(high * ROUNDS)
      }
      const known = new Set([...ALWAYS, 'getpid', ...Object.keys(data[end]), ...besides])
      expect(Object.keys(calls).filter((name) => !known.has(name))).toEqual([])
    }
  })
})
