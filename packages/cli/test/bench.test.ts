import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { Row } from '@strait/bench'
import { supported } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { strait } from './strait.js'

const hasCompiler = spawnSync('cc', ['--version']).error === undefined
const hasPython = spawnSync('python3', ['--version']).error === undefined

/** Of transports, what Node or a library has in their place. */
const TWINS: Readonly<Record<string, readonly string[]>> = {
  'mem:': [],
  'unix:': ['net, Unix socket', 'node-ipc', '@achrinza/node-ipc'],
  'worker:': ['MessagePort'],
  ...(supported ? { 'shm:': [] } : {}),
}

/** Without Node, and there where they are installed. */
const isProgram = ({ peer }: Row) => /^(multiprocessing|nng|libzmq|Boost)/.test(peer ?? '')

describe('strait bench', () => {
  it('prints JSON with a row for each transport and its twins behind it', async () => {
    const args = ['bench', '--quick', '--json', '--peers', '--payload', '64', '--url', ...Object.keys(TWINS)]
    const { code, stdout } = await strait(args)
    expect(code).toBe(0)
    const { machine, rows: all, ...rest } = JSON.parse(stdout)
    for (const row of all.filter(isProgram))
      expect(row).toMatchObject({ messagesPerSecond: null, mode: 'hot' })
    const rows = all.filter((row: Row) => !isProgram(row))
    expect(rest).toEqual({
      version: 2,
      command: ['strait', ...args],
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      plan: { warmUpMs: 100, repeats: 2, stretches: 2, stretchMs: 15 },
      connections: [],
      fanIn: [],
      parts: [
        { what: 'hot, 64 bytes, different-cores', paceSpread: expect.any(Number), notes: expect.any(Array) },
      ],
      peersMissing: expect.any(Array),
    })
    expect(machine).toMatchObject({ node: process.version })
    expect(rows.map(({ url, peer }: Row) => [url, peer])).toEqual(
      Object.entries(TWINS).flatMap(([url, peers]) => [undefined, ...peers].map((peer) => [url, peer])),
    )
    const refused = rest.parts[0].notes.length > 0
    const figure = expect.any(Number)
    for (const { peer, ...row } of rows) {
      // What waits in shared memory chooses how, and counts how often it slept.
      const shared = row.scheme === 'shm'
      const end = {
        collections: { count: figure, totalNs: figure, longestNs: figure },
        preemptions: figure,
        waitedNs: figure,
        parks: shared ? figure : null,
      }
      expect(row).toEqual({
        url: `${row.scheme}:`,
        scheme: row.scheme,
        mode: 'hot',
        waitStrategy: shared ? 'adaptive' : null,
        placement: availableParallelism() === 1 ? 'same-core' : 'different-cores',
        payloadBytes: 64,
        spread: figure,
        noisy: refused || row.spread > 0.1,
        warmUpMs: figure,
        rounds: figure,
        distribution: expect.any(Array),
        rttNs: { p50: figure, p90: figure, p99: figure, p999: figure, max: figure, mean: figure },
        messagesPerSecond: figure,
        bytesPerSecond: figure,
        bothWaysPerSecond: figure,
        cpuPerRoundNs: figure,
        switchesPerRound: figure,
        floorNs: null,
        floorSpread: null,
        ratioToFloor: null,
        shareOfCopy: null,
        tail: {
          rounds: figure,
          collecting: figure,
          waiting: figure,
          parked: shared ? figure : 0,
          unexplained: figure,
          here: end,
          // A twin does not tell of its collections; the other end of mem: is the same.
          peer: row.scheme === 'mem' ? null : { ...end, ...(peer ? { collections: null } : {}) },
        },
      })
      const { p50, p90, p99, p999, max } = row.rttNs
      expect([p50, p90, p99, p999, max]).toEqual([p50, p90, p99, p999, max].sort((a, b) => a - b))
      for (const value of [p50, row.rounds, row.messagesPerSecond, row.cpuPerRoundNs]) {
        expect(value).toBeGreaterThan(0)
      }
    }
  })

  it.skipIf(!hasCompiler)('relates a transport to blocking C where floors are wanted', async () => {
    const { code, stdout } = await strait(['bench', '--floor', '--quick', '--url', 'unix:', '--json'])
    expect(code).toBe(0)
    const [row] = JSON.parse(stdout).rows
    expect(row.floorNs).toBeGreaterThan(0)
    expect(row.ratioToFloor).toBeGreaterThan(0)
  })

  it.skipIf(!hasCompiler)(
    'has a column for that ratio in the table, empty where there is no floor',
    async () => {
      const { stdout } = await strait(['bench', '--floor', '--quick', '--url', 'mem:', 'unix:'])
      expect(stdout).toMatch(/ × floor$/m)
      expect(stdout).toMatch(/^ {2}unix: .* \d+\.\d\d$/m)
      expect(stdout).toMatch(/^ {2}mem: .*\/s$/m)
    },
  )

  it.skipIf(!hasCompiler || !supported)(
    'has a column for what is written in place, in percent of memcpy',
    async () => {
      const args = ['bench', '--floor', '--quick', '--mode', 'leased', '--payload', '4096', '--url', 'shm:']
      const { stdout } = await strait(args)
      expect(stdout).toMatch(/^4,096 bytes, leased: /m)
      expect(stdout).toMatch(/ of memcpy$/m)
      expect(stdout).toMatch(/^ {2}shm: .* \d+ %$/m)
      expect(stdout).not.toContain('× floor')
    },
  )

  it('prints a plain table into a pipe, with a block for each size', async () => {
    const args = ['bench', '--quick', '--url', 'mem:', 'unix:', '--payload', '1', '100000']
    const { code, stdout } = await strait(args)
    expect(code).toBe(0)
    expect(stdout).not.toContain('\x1b')
    const lines = stdout.split('\n').filter((line) => /^(\d| {2}\S+: )/.test(line))
    expect(lines.map((line) => line.trim().split(' ')[0])).toEqual([
      '1',
      'mem:',
      'unix:',
      '100,000',
      'mem:',
      'unix:',
    ])
  })

  it('prints a block for each mode, between pauses without what goes one way, and the tail below', async () => {
    const args = ['bench', '--quick', '--url', 'mem:', '--payload', '0', '--mode', 'hot', 'parked', '--tail']
    const { code, stdout } = await strait(args)
    expect(code).toBe(0)
    const lines = stdout.split('\n').filter((line) => /^(\d+ bytes| +(p50|slowest)| {2}mem:)/.test(line))
    expect(lines.map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      expect.stringMatching(/^0 bytes, hot, /),
      expect.stringMatching(/^p50 .* one way both ways$/),
      expect.stringMatching(/^mem: .*\/s$/),
      expect.stringMatching(/^slowest gc waiting parked left /),
      expect.stringMatching(/^mem: \d+ \d+ ≤ \d+ ≤ 0 ≥ \d+ /),
      expect.stringMatching(/^0 bytes, parked: /),
      expect.stringMatching(/^p50 .* CPU switches$/),
      expect.stringMatching(/^mem: .* \d+\.\d$/),
      expect.stringMatching(/^slowest gc waiting parked left /),
      expect.stringMatching(/^mem: 1 \d ≤ \d ≤ 0 ≥ \d /),
    ])
  })

  it('leaves a transport that cannot block out of mode sync, and refuses it where it is named', async () => {
    const args = ['bench', '--quick', '--json', '--mode', 'sync', '--payload', '1']
    const all = await strait(args)
    expect(all.code).toBe(0)
    const urls = JSON.parse(all.stdout).rows.map(({ url }: Row) => url)
    expect(urls).toEqual(supported ? expect.arrayContaining(['pipe:', 'fifo:', 'seqpacket:']) : [])
    expect(urls).not.toContain('unix:')
    const named = await strait([...args, '--url', 'unix:'])
    expect(named.stderr).toContain('its channels have no sendSync')
    expect(named.code).toBe(2)
  })

  it('prints JSON with a row for each lock where locks are wanted', async () => {
    const { code, stdout } = await strait(['bench', '--quick', '--json', '--crowd', '3'])
    expect(code).toBe(0)
    const { machine, locks, ...rest } = JSON.parse(stdout)
    expect(rest).toEqual({})
    expect(machine).toMatchObject({ node: process.version })
    const figure = expect.any(Number)
    const common = {
      placement: expect.any(String),
      ratioToFloor: hasCompiler ? figure : null,
      spread: figure,
    }
    for (const { name, mode, kind, ...row } of locks) {
      expect([name, mode]).toEqual([expect.any(String), expect.any(String)])
      if (kind === 'uncontended') {
        expect(row).toEqual({ ...common, nsPerPair: figure })
        continue
      }
      expect(kind).toBe('contended')
      expect(row).toEqual({
        ...common,
        sides: figure,
        by: expect.stringMatching(/^(processes|threads)$/),
        sectionsPerSecond: figure,
        sections: figure,
        shares: new Array(row.sides).fill(figure),
        longestWaitMs: figure,
        cpuPerSectionNs: figure,
      })
    }
    const sides = locks.map(({ sides = 1 }: { sides?: number }) => sides)
    expect([...new Set(sides)]).toEqual(hasCompiler || supported || hasPython ? [1, 2, 3] : [1, 2])
  })

  it('prints a table for locks alone, for two, and for a crowd with the least, median and largest share', async () => {
    const { code, stdout } = await strait(['bench', '--quick', '--locks', '--placement', 'free'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Nobody else wants the lock: /m)
    expect(stdout).toMatch(/^ {2}async-mutex +acquire +\S+ .s +/m)
    expect(stdout).toMatch(/^2 want it all the time, on whichever cores the kernel chooses$/m)
    expect(stdout).toMatch(/^ {2}Atomics +lockSync +threads +\S+ .\/s +\S+ +\S+ % \S+ % +\S+ [mµ]?s /m)
    if (!supported) return
    expect(stdout).toMatch(/^ {2}Mutex +tryLock +\S+ [nµ]s /m)
    expect(stdout).toMatch(/^8 want it all the time, /m)
    expect(stdout).toMatch(/^ {2}Mutex +await lock +processes +\S+ .\/s +\S+ +\S+ % \S+ % \S+ % /m)
  })

  it('prints JSON with a row for each kind of work in each pool where pools are wanted', async () => {
    const args = ['bench', '--quick', '--json', '--workers', '1', '--url', 'unix:', 'worker:']
    const { code, stdout } = await strait(args)
    expect(code).toBe(0)
    const { machine, pool, ...rest } = JSON.parse(stdout)
    expect(rest).toEqual({})
    expect(machine).toMatchObject({ node: process.version })
    const figure = expect.any(Number)
    for (const { work, ...row } of pool) {
      expect(row).toEqual({
        name: expect.any(String),
        mode: expect.any(String),
        workers: 1,
        wait: null,
        bytes: work === 'buffer' ? figure : null,
        nsPerJob: figure,
        p99Ns: work === 'one' ? figure : null,
        cpuPerJobNs: figure,
        efficiency: work === 'fib' ? figure : null,
        ratioToPiscina:
          row.name === 'Python' || (work === 'buffer' && row.name !== 'Pool') ? expect.anything() : figure,
        bar: null,
        spread: figure,
      })
    }
    const ours = pool.filter(({ name }: { name: string }) => name === 'Pool')
    expect(ours.map(({ mode, work }: { mode: string; work: string }) => `${mode} ${work}`)).toEqual(
      ['unix:', 'worker:'].flatMap((url) =>
        ['one', 'batch', 'fib', 'buffer'].map((work) => `${url} ${work}`),
      ),
    )
  })

  it.concurrent.each([
    [['--payload', '1.5'], 'Must be a whole number of bytes from 0'],
    [['--payload', '16777217'], 'Must be a whole number of bytes'],
    [['--mode', 'hot', 'cold'], 'Allowed choices are hot, paced, parked, sync, leased'],
    [['--url', 'nix:'], 'there is no transport'],
    [['--output', '/not/there.json'], '/not/there.json cannot be written: ENOENT'],
    [['--html', '/'], '/ is a directory'],
    [['--crowd', '2'], 'Must be a whole number of processes from 3'],
    [['--crowd', '251'], 'Must be a whole number of processes from 3 to 250'],
    [['--workers', '0'], 'Must be a whole number of workers from 1 to 256'],
    [['--workers', '2', '--locks'], "'--pool' cannot be used with option '--locks'"],
    [['--locks', '--url', 'unix:'], "'--locks' cannot be used with option '--url"],
    [['--crowd', '9', '--mode', 'hot'], "'--locks' cannot be used with option '--mode"],
  ])('refuses %j with exit code 2', async (args, reason) => {
    const { code, stderr } = await strait(['bench', ...args])
    expect(stderr).toContain(reason)
    expect(code).toBe(2)
  })
})
