import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const TALK = fileURLToPath(new URL('./support/talk.mjs', import.meta.url))
const MIB = 1024 * 1024

/** A tracer may be missing, and containers often forbid it to look at other processes. */
const traces = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

/** A call that moved bytes: on what, a descriptor as strace shows it or the number of a queue, and how many. */
interface Move {
  readonly call: string
  readonly object: string
  readonly bytes: number
}

/** The moves in what strace has written, and where among them the marks lie. */
function parse(trace: string): { moves: Move[]; begin: number; end: number } {
  const moves: Move[] = []
  const unfinished = new Map<string, string>()
  let [begin, end] = [-1, -1]
  for (const line of trace.split('\n')) {
    if (line.includes('"/strait-proof/begin"')) begin = moves.length
    if (line.includes('"/strait-proof/end"')) end = moves.length
    const [, thread = '', said = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (said.endsWith('<unfinished ...>')) {
      unfinished.set(thread, said.slice(0, -'<unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(said)
    const whole = resumed === null ? said : `${unfinished.get(thread) ?? ''}${resumed[1]}`
    const [, call, object = '', rest = ''] = /^(\w+)\((\d+<.+?>(?:\(deleted\))?|\d+),(.*)$/.exec(whole) ?? []
    const result = /\) += (\d+)$/.exec(rest)
    if (call === undefined || result === null) continue
    // msgsnd(2) says 0, and its length stands behind the message.
    const length = /, (\d+), [A-Z0-9_|]+ *\) += 0$/.exec(rest)
    moves.push({ call, object, bytes: Number(call === 'msgsnd' ? length?.[1] : result[1]) })
  }
  return { moves, begin, end }
}

const sum = (moves: readonly Move[], what: (move: Move) => boolean) =>
  moves.filter(what).reduce((total, { bytes }) => total + bytes, 0)

describe.skipIf(!traces)(
  'while 1 MiB passes there and back over sysv-mq: (needs strace that may trace)',
  () => {
    it('msgsnd and msgrcv carry it, and under 256 bytes any socket', () => {
      const directory = mkdtempSync(join(tmpdir(), 'strait-sysv-mq-proof-'))
      try {
        const out = join(directory, 'trace')
        const calls = [
          ...['msgsnd', 'msgrcv', 'access', 'faccessat', 'faccessat2'],
          ...[
            'write',
            'writev',
            'pwrite64',
            'pwritev',
            'sendto',
            'sendmsg',
            'sendmmsg',
            'splice',
            'vmsplice',
          ],
          ...['read', 'readv', 'pread64', 'preadv', 'recvfrom', 'recvmsg', 'recvmmsg', 'tee'],
        ].map((call) => `?${call}`)
        const args = ['-f', '-yy', '-s', '0', '-e', `trace=${calls}`, '-e', 'signal=none', '-o', out]
        const { status } = spawnSync('strace', [...args, process.execPath, TALK, 'begin'], {
          stdio: ['ignore', 'inherit', 'inherit'],
        })
        expect(status).toBe(0)
        const { moves, begin, end } = parse(readFileSync(out, 'utf8'))
        expect(begin).toBeGreaterThan(0)
        expect(end).toBeGreaterThan(begin)
        const during = moves.slice(begin, end)
        // Each MiB twice, there and back, and each time in pieces of their own kind.
        for (const name of ['msgsnd', 'msgrcv'])
          expect(sum(during, ({ call }) => call === name)).toBeGreaterThanOrEqual(2 * MIB)
        expect(new Set(during.filter(({ call }) => call === 'msgsnd').map(({ object }) => object)).size).toBe(
          2,
        )
        const socket = /<(UNIX|TCP|UDP|NETLINK|socket:)/
        expect(sum(during, ({ object }) => socket.test(object))).toBeLessThan(256)
        // From beginning to end, on the socket at which they have met: the greeting, the queues and the record.
        const met = new Set(moves.map(({ object }) => object).filter((each) => each.includes('@"strait/')))
        expect(met.size).toBeGreaterThan(0)
        const control = sum(moves, ({ call, object }) => /^(write|send)/.test(call) && met.has(object))
        expect(control).toBeGreaterThan(0)
        expect(control).toBeLessThan(256)
        // Nor is it handed around in any other way.
        expect(during.filter(({ call, bytes }) => bytes >= 4096 && !call.startsWith('msg'))).toEqual([])
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
  },
)
