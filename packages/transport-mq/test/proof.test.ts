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

/** How strace writes the descriptor of a queue that has lost its name. */
const QUEUE = /^\/strait-[0-9a-f]{24}-(there|back) ?\(deleted\)$/

/** Of a call that moved bytes: what its descriptor is, and how many. What mq_timedsend moves, its third argument says. */
interface Move {
  readonly call: string
  readonly descriptor: string
  readonly bytes: number
}

const LENGTH = /, (\d+), \d+, NULL(\)| <unfinished)/

/** The moves in what strace has written, and where among them the marks lie. */
function parse(trace: string): { moves: Move[]; begin: number; end: number } {
  const moves: Move[] = []
  const unfinished = new Map<string, { call: string; descriptor: string; length: number }>()
  let [begin, end] = [-1, -1]
  for (const line of trace.split('\n')) {
    if (line.includes('"/strait-proof/begin"')) begin = moves.length
    if (line.includes('"/strait-proof/end"')) end = moves.length
    const started = /^(\d+) +(\w+)\(\d+<(.+?)>(\(deleted\))?,/.exec(line)
    const thread = (started ?? /^(\d+) +<\.\.\. \w+ resumed>/.exec(line))?.[1] ?? ''
    const move =
      started === null
        ? unfinished.get(thread)
        : {
            call: started[2]!,
            descriptor: `${started[3]}${started[4] ?? ''}`,
            length: Number(LENGTH.exec(line)?.[1]),
          }
    unfinished.delete(thread)
    if (move === undefined) continue
    if (line.endsWith('<unfinished ...>')) unfinished.set(thread, move)
    const result = /\) += (\d+)$/.exec(line)
    if (result === null) continue
    const bytes = move.call === 'mq_timedsend' ? move.length : Number(result[1])
    moves.push({ call: move.call, descriptor: move.descriptor, bytes })
  }
  return { moves, begin, end }
}

const sum = (moves: readonly Move[], what: (move: Move) => boolean) =>
  moves.filter(what).reduce((total, { bytes }) => total + bytes, 0)

describe.skipIf(!traces)('while 1 MiB passes there and back over mq: (needs strace that may trace)', () => {
  it('mq_timedsend and mq_timedreceive carry it, and under 256 bytes any other descriptor', () => {
    const directory = mkdtempSync(join(tmpdir(), 'strait-mq-proof-'))
    try {
      const out = join(directory, 'trace')
      const calls = [
        ...['mq_timedsend', 'mq_timedreceive', 'access', 'faccessat', 'faccessat2'],
        ...['write', 'writev', 'pwrite64', 'pwritev', 'sendto', 'sendmsg', 'sendmmsg', 'splice', 'vmsplice'],
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
      for (const name of ['mq_timedsend', 'mq_timedreceive']) {
        const carried = sum(during, ({ call, descriptor }) => call === name && QUEUE.test(descriptor))
        expect(carried).toBeGreaterThanOrEqual(2 * MIB)
      }
      const socket = /^(UNIX|TCP|UDP|NETLINK|socket:)/
      const sending = /^(write|send)/
      expect(sum(during, ({ descriptor }) => socket.test(descriptor))).toBeLessThan(256)
      // From beginning to end, on the socket at which they have met: the greeting and the queues.
      const met = new Set(
        moves.map(({ descriptor }) => descriptor).filter((each) => each.includes('@"strait/')),
      )
      expect(met.size).toBeGreaterThan(0)
      const control = sum(moves, ({ call, descriptor }) => sending.test(call) && met.has(descriptor))
      expect(control).toBeGreaterThan(0)
      expect(control).toBeLessThan(256)
      // Nor is it handed around in any other way.
      const large = during.filter(({ bytes }) => bytes >= 4096)
      expect(large.filter(({ descriptor }) => !QUEUE.test(descriptor))).toEqual([])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
