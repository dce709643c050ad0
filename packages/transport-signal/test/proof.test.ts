import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { WHOLE } from '../../core/test/support/proofs.js'
import { CELL } from '../src/word.js'

const TALK = fileURLToPath(new URL('support/proof-talk.mjs', import.meta.url))
/** Of 64 KiB each, of which every cell is a call that is traced. */
const PARTS = WHOLE ? 16 : 1
const BYTES = PARTS * 64 * 1024

/** A tracer may be missing, and containers often forbid it to look at other processes. */
const unable = spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0

const SENDING = ['write', 'writev', 'sendto', 'sendmsg', 'sendmmsg', 'splice', 'vmsplice']
const RECEIVING = ['read', 'readv', 'recvfrom', 'recvmsg', 'recvmmsg']
const MARKS = ['access', 'faccessat', 'faccessat2']

/** How many bytes these calls moved over whatever is called so; where strace prints a call in two halves, also then. */
function moved(lines: readonly string[], calls: readonly string[], what: RegExp): number {
  const unfinished = new Map<string, boolean>()
  let bytes = 0
  for (const line of lines) {
    const begun = /^(\d+) +(\w+)\(\d+<([^>]*(?:->[^>]*)?)>/.exec(line)
    const resumed = /^(\d+) +<\.\.\. \w+ resumed>/.exec(line)
    const [, thread = ''] = begun ?? resumed ?? []
    const ours = begun === null ? unfinished.get(thread) : calls.includes(begun[2]!) && what.test(begun[3]!)
    if (begun !== null) unfinished.set(thread, ours!)
    const result = /\) += (\d+)$/.exec(line)
    if (ours === true && result !== null) bytes += Number(result[1])
  }
  return bytes
}

it.skipIf(unable)(
  `while ${PARTS * 64} KiB pass signals carry them, and under 256 bytes any socket beside (needs strace that may trace)`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'strait-proof-'))
    try {
      const out = join(directory, 'trace')
      const calls = ['rt_tgsigqueueinfo', ...SENDING, ...RECEIVING, ...MARKS].map((call) => `?${call}`)
      const args = ['-f', '--seccomp-bpf', '-yy', '-s', '0', '-e', `trace=${calls}`, '-e', 'signal=none']
      const { status } = spawnSync(
        'strace',
        [...args, '-o', out, process.execPath, TALK, 'main', String(PARTS)],
        {
          stdio: ['ignore', 'inherit', 'inherit'],
        },
      )
      expect(status).toBe(0)
      const lines = readFileSync(out, 'utf8').split('\n')
      const [begin, end] = ['begin', 'end'].map((mark) =>
        lines.findIndex((line) => line.includes(`"/strait-proof/${mark}"`)),
      )
      expect(begin).toBeGreaterThan(0)
      expect(end).toBeGreaterThan(begin!)
      const during = lines.slice(begin, end)
      const sent = during.filter((line) => /\brt_tgsigqueueinfo\b.*= 0$/.test(line)).length
      expect(sent * CELL).toBeGreaterThanOrEqual(BYTES)
      // Of 128 bytes each, of which 64 bits are ours.
      const read = moved(during, RECEIVING, /signalfd/)
      expect((read / 128) * CELL).toBeGreaterThanOrEqual(BYTES)
      for (const calls of [SENDING, RECEIVING])
        expect(moved(during, calls, /^(UNIX|TCP|UDP|NETLINK|socket)/)).toBeLessThan(256)
      // Nor is it handed around in any other way.
      expect(moved(during, SENDING, /./)).toBeLessThan(4096)
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
)
