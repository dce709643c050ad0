import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const TALK = fileURLToPath(new URL('./support/proof-talk.mjs', import.meta.url))
const IDLE = fileURLToPath(new URL('./support/proof-idle.mjs', import.meta.url))
const MIB = 1024 * 1024

/** A tracer may be missing, and containers often forbid it to look at other processes. */
const traces = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
const able = supported && traces

/** What carries every byte of the payload, as strace writes a descriptor. */
const CARRIERS: Record<string, (descriptor: string, meeting: ReadonlySet<string>) => boolean> = {
  pipe: (descriptor) => /^pipe:\[\d+\]$/.test(descriptor),
  fifo: (descriptor) => /^\/.*\/[0-9a-f]{24}-(there|back) ?\(deleted\)$/.test(descriptor),
  seqpacket: (descriptor, meeting) => meeting.has(descriptor),
}
const SOCKET = /^(UNIX|TCP|UDP|NETLINK|socket:)/

const SENDING = [
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'sendto',
  'sendmsg',
  'sendmmsg',
  'splice',
  'vmsplice',
]
const RECEIVING = ['read', 'readv', 'pread64', 'preadv', 'recvfrom', 'recvmsg', 'recvmmsg', 'tee']

/** A system call that moved bytes: what its descriptor is, and how many. */
interface Move {
  readonly call: string
  readonly descriptor: string
  readonly bytes: number
}

/** The moves in what strace has written, up to the last; and where among them the marks lie. */
function parse(trace: string): { moves: Move[]; begin: number; end: number } {
  const moves: Move[] = []
  const unfinished = new Map<string, { call: string; descriptor: string }>()
  let [begin, end] = [-1, -1]
  for (const line of trace.split('\n')) {
    if (line.includes('"/strait-proof/begin"')) begin = moves.length
    if (line.includes('"/strait-proof/end"')) end = moves.length
    const started = /^(\d+) +(\w+)\(\d+<(.+?)>(\(deleted\))?,/.exec(line)
    const resumed = /^(\d+) +<\.\.\. \w+ resumed>/.exec(line)
    const thread = (started ?? resumed)?.[1] ?? ''
    const move =
      started === null
        ? unfinished.get(thread)
        : { call: started[2]!, descriptor: `${started[3]}${started[4] ?? ''}` }
    unfinished.delete(thread)
    if (move === undefined) continue
    if (line.endsWith('<unfinished ...>')) unfinished.set(thread, move)
    const result = /\) += (\d+)$/.exec(line)
    if (result !== null) moves.push({ ...move, bytes: Number(result[1]) })
  }
  return { moves, begin, end }
}

/** The two ends of the socket at which the programs met: one has the abstract name, the other is its counterpart. */
function meetingOf(moves: readonly Move[]): ReadonlySet<string> {
  const met = moves.map(({ descriptor }) => descriptor)
  const ends = met.flatMap((descriptor) => {
    const [, here, there] = /^UNIX[^[]*:\[(\d+)->(\d+),@"strait\//.exec(descriptor) ?? []
    return here === undefined ? [] : [`[${here}->${there}`, `[${there}->${here}`]
  })
  return new Set(met.filter((descriptor) => ends.some((end) => descriptor.includes(end))))
}

const sum = (moves: readonly Move[], calls: readonly string[], what: (descriptor: string) => boolean) =>
  moves
    .filter(({ call, descriptor }) => calls.includes(call) && what(descriptor))
    .reduce((total, { bytes }) => total + bytes, 0)

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'strait-proof-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

describe.skipIf(!able)(
  'while 1 MiB passes there and back (needs the addon, and strace that may trace)',
  () => {
    it.each(Object.entries(CARRIERS))(
      'over %s:, its own descriptors carry it, and under 256 bytes any socket beside',
      (scheme, carrier) => {
        const out = join(directory, scheme)
        const calls = [...SENDING, ...RECEIVING, 'access', 'faccessat', 'faccessat2', 'socket'].map(
          (call) => `?${call}`,
        )
        const args = ['-f', '-yy', '-s', '0', '-e', `trace=${calls}`, '-e', 'signal=none', '-o', out]
        const { status } = spawnSync('strace', [...args, process.execPath, TALK, scheme], {
          stdio: ['ignore', 'inherit', 'inherit'],
        })
        expect(status).toBe(0)
        const { moves, begin, end } = parse(readFileSync(out, 'utf8'))
        expect(begin).toBeGreaterThan(0)
        expect(end).toBeGreaterThan(begin)
        const during = moves.slice(begin, end)
        const meeting = meetingOf(moves)
        const carries = (descriptor: string) => carrier(descriptor, meeting)
        for (const calls of [SENDING, RECEIVING])
          expect(sum(during, calls, carries)).toBeGreaterThanOrEqual(2 * MIB)

        // Sockets beside it: while the data passes any, and from beginning to end those by which the two have met.
        const beside = (descriptor: string) => SOCKET.test(descriptor) && !carries(descriptor)
        for (const calls of [SENDING, RECEIVING]) expect(sum(during, calls, beside)).toBeLessThan(256)
        const control = sum(moves, SENDING, (descriptor) => meeting.has(descriptor) && !carries(descriptor))
        expect(control).toBeLessThan(256)
        expect(control > 0).toBe(scheme === 'fifo')
        // Nor is it handed around in any other way.
        const large = during.filter(({ bytes }) => bytes >= 4096)
        expect(large.filter(({ descriptor }) => !carries(descriptor))).toEqual([])
      },
    )
  },
)

describe.skipIf(!able)('C14 idle channels (needs the addon, and strace that may trace)', () => {
  /** When every thread of the program waits: saying that it is idle is the last thing that it does. */
  async function asleep(pid: number): Promise<void> {
    const states = () =>
      readdirSync(`/proc/${pid}/task`).map((thread) =>
        readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .charAt(0),
      )
    while (states().some((state) => state !== 'S')) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  /** The system calls that a program makes within 5 s from when it says that it is idle. */
  async function calls(...args: string[]): Promise<string[]> {
    // The engine tidies up after some seconds of rest; that is not the channels' doing.
    const child = spawn(process.execPath, ['--no-memory-reducer', IDLE, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    try {
      expect(String(await once(child.stdout, 'data'))).toBe('idle\n')
      await asleep(child.pid!)
      const out = join(directory, args.join('-'))
      const tracer = ['5', 'strace', '-f', '-o', out, '-p', String(child.pid)]
      const [code] = await once(spawn('timeout', ['-s', 'INT', ...tracer], { stdio: 'ignore' }), 'exit')
      // It was there until `timeout` ended it, and so was the program.
      expect(code).toBe(124)
      expect(child.exitCode).toBeNull()
      const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
      const threads = new Set(lines.map((line) => line.split(' ')[0]))
      expect(threads).toContain(String(child.pid))
      // In each thread the one in which it was found waiting, and in which it was left.
      return lines.filter((line) => !/<(unfinished|detached) \.\.\.>$/.test(line))
    } finally {
      child.kill('SIGKILL')
      await exited
    }
  }

  it('make no system call, one or a hundred of each scheme', async () => {
    const runs = Object.keys(CARRIERS).flatMap((scheme) =>
      ['1', '100'].map((count) => [scheme, count] as const),
    )
    const seen = await Promise.all(runs.map(async (run) => ({ run, calls: await calls(...run) })))
    expect(seen.filter((each) => each.calls.length > 0)).toEqual([])
  })

  it('are seen to make some where they were told to ask for signs of life', async () => {
    const seen = await Promise.all(Object.keys(CARRIERS).map((scheme) => calls(scheme, '1', '300')))
    for (const each of seen) expect(each.length).toBeGreaterThan(0)
  })
})
