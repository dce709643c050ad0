import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { buildFloors, type Floor, floorMechanism, floorMechanisms, openFloor } from '../dist/index.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined
const BETWEEN_TWO = [
  ...['pipe', 'fifo', 'unix', 'seqpacket', 'tcp', 'eventfd', 'futex', 'spin'],
  ...['mq', 'sysv-mq', 'sem', 'sysv-sem', 'signal'],
]

/** What does not go with the processes that use it. */
const OUTLIVING = [
  { mechanism: 'sysv-mq', list: 'msg', count: 2 },
  { mechanism: 'sysv-sem', list: 'sem', count: 1 },
] as const

const ENDS: [string, (pids: readonly number[]) => void][] = [
  ['it is terminated', ([floor]) => process.kill(floor!, 'SIGTERM')],
  ['it is killed', ([floor]) => process.kill(floor!, 'SIGKILL')],
  ['its peer is terminated', ([, peer]) => process.kill(peer!, 'SIGTERM')],
  ['its peer is killed', ([, peer]) => process.kill(peer!, 'SIGKILL')],
  ['both are interrupted, as by Ctrl-C', (pids) => pids.map((pid) => process.kill(pid, 'SIGINT'))],
]

const directories: string[] = []
async function directory() {
  const path = await mkdtemp(join(tmpdir(), 'strait-floors-'))
  directories.push(path)
  return path
}
afterAll(() => Promise.all(directories.map((path) => rm(path, { recursive: true }))))

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** R runs, S sleeps, Z has ended and is not asked for; proc_pid_stat(5). Undefined: there is no such process. */
function state(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]![0]
  } catch {
    return undefined
  }
}

/** An orphan may stay a zombie for as long as init likes. */
async function untilEnded(pids: readonly number[]) {
  while (pids.map(state).some((is) => is !== undefined && is !== 'Z')) await turn()
}

/** The System V objects that there are, of everybody. */
function objects(list: 'msg' | 'sem'): string[] {
  const [, ...rows] = readFileSync(`/proc/sysvipc/${list}`, 'latin1').trimEnd().split('\n')
  return rows.map((row) => row.trim().split(/\s+/)[1]!)
}

const allowed = (pid: number | 'self') =>
  /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]!

describe('the floors', () => {
  for (const compiler of ['gcc', 'clang']) {
    it.skipIf(!isThere(compiler))(
      `compile without a warning under ${compiler}, if that is there`,
      async () => {
        const program = await buildFloors({ compiler, directory: await directory() })
        const floor = await openFloor(program, 'pipe', 64)
        expect((await floor.run(1)).count).toBeGreaterThan(0)
        await floor.close()
      },
    )
  }

  it('say what is missing where there is no compiler', async () => {
    const building = buildFloors({ compiler: 'no-such-cc', directory: await directory() })
    await expect(building).rejects.toThrow('there is no C compiler (no-such-cc)')
  })
})

describe.skipIf(!isThere('cc'))('a floor', () => {
  let program: string
  let damaging: string

  beforeAll(async () => {
    program = await buildFloors()
    damaging = await buildFloors({ directory: await directory(), flags: ['-DFLOOR_PLANT_DAMAGE'] })
  })

  it('is compiled once', async () => {
    expect(await buildFloors({ compiler: 'no-such-cc' })).toBe(program)
  })

  it('is there for whatever a transport names', async () => {
    for (const mechanism of Object.values(floorMechanisms)) {
      await (await openFloor(program, mechanism, 1)).close()
    }
  })

  it('runs its ends on the cores that it is given', async () => {
    const cores = allowed('self').split(/[-,]/).map(Number)
    const ends = { here: cores[0]!, peer: cores.at(-1)! }
    const floor = await openFloor(program, 'pipe', 64, ends)
    await floor.run(1)
    expect(floor.pids.map(allowed)).toEqual([String(ends.here), String(ends.peer)])
    await floor.close()
  })

  it('refuses a mechanism that it does not have', async () => {
    await expect(openFloor(program, 'pigeon', 64)).rejects.toThrow('usage: floor')
  })

  it.each(['busy', 'asleep'] as const)(
    'can be %s before each question, which is not counted',
    async (how) => {
      const floor = await openFloor(program, 'memcpy', 64)
      const durations = await floor.run(50, { us: 10_000, how })
      // A pause before each: no more fit in, and the copy itself is far shorter.
      expect(durations.count).toBeLessThanOrEqual(5)
      expect(durations.quantiles().p50).toBeLessThan(10_000_000)
      await floor.close()
    },
  )

  it('refuses a line that it does not know', async () => {
    const floor = await openFloor(program, 'memcpy', 64)
    await expect(floor.run(1, { us: 1, how: 'bored' as never })).rejects.toThrow('is understood')
  })

  it('of shared memory wakes where both ends sleep, and spins where they do not', () => {
    expect(floorMechanism('shm', 'parked')).toBe('futex')
    expect(floorMechanism('shm', 'paced')).toBe('spin')
    expect(floorMechanism('shm', 'leased')).toBe('memcpy')
    expect(floorMechanism('mem', 'hot')).toBeUndefined()
  })

  it('has the copy alone without a peer', async () => {
    const floor = await openFloor(program, 'memcpy', 1 << 20)
    expect(floor.pids).toHaveLength(1)
    expect((await floor.run(5)).quantiles().p50).toBeGreaterThan(100)
    await floor.close()
  })

  it('over mq leaves no name of a queue while it runs', async () => {
    const floor = await openFloor(program, 'mq', 64)
    const [floorPid] = floor.pids
    const opened = readdirSync(`/proc/${floorPid}/fd`).map((fd) => readlinkSync(`/proc/${floorPid}/fd/${fd}`))
    const queues = opened.filter((path) => path.startsWith('/strait-floor-'))
    expect(queues).toHaveLength(2)
    for (const queue of queues) expect(queue).toMatch(/ \(deleted\)$/)
    await floor.close()
  })

  describe.each(OUTLIVING)('over $mechanism leaves nothing when', ({ mechanism, list, count }) => {
    /** A floor, and its objects with those that others made at the same time: those too will go. */
    async function open(which = program) {
      const before = new Set(objects(list))
      const floor = await openFloor(which, mechanism, 64)
      const made = objects(list).filter((id) => !before.has(id))
      expect(made.length).toBeGreaterThanOrEqual(count)
      return { floor, made }
    }

    async function untilGone(made: readonly string[]) {
      while (objects(list).some((id) => made.includes(id))) await turn()
    }

    it('it is closed', async () => {
      const { floor, made } = await open()
      await floor.run(1)
      await floor.close()
      await untilGone(made)
    })

    it('an answer was damaged', async () => {
      const { floor, made } = await open(damaging)
      await expect(floor.run(1)).rejects.toThrow('a payload was damaged')
      await untilEnded(floor.pids)
      await untilGone(made)
    })

    it.each(ENDS)('%s in the middle', async (_, end) => {
      const { floor, made } = await open()
      const running = floor.run(3_600_000)
      end(floor.pids)
      await expect(running).rejects.toThrow()
      await untilEnded(floor.pids)
      await untilGone(made)
    })
  })

  describe.each(BETWEEN_TWO)('over %s', (mechanism) => {
    const opened: Floor[] = []
    const open = async (size: number, which = program) => {
      const floor = await openFloor(which, mechanism, size)
      opened.push(floor)
      return floor
    }
    afterAll(() => Promise.all(opened.map((floor) => floor.close())))

    it.each([1, 64, 300_000])(
      'answers with durations for %d bytes, and closing leaves no process',
      async (size) => {
        const floor = await open(size)
        expect(floor.pids).toHaveLength(2)
        for (const ms of [0, 5]) {
          const durations = await floor.run(ms)
          expect(durations.count).toBeGreaterThan(0)
          expect(durations.quantiles().p50).toBeGreaterThan(10)
        }
        await floor.close()
        expect(floor.pids.map(state)).toEqual([undefined, undefined])
      },
    )

    it('fails when the peer damages an answer, and leaves no process', async () => {
      const floor = await open(4096, damaging)
      await expect(floor.run(1)).rejects.toThrow('a payload was damaged')
      await untilEnded(floor.pids)
    })

    it('is blocked between stretches', async () => {
      const floor = await open(64)
      await floor.run(1)
      while (floor.pids.map(state).join('') !== 'SS') await turn()
      expect((await floor.run(1)).count).toBeGreaterThan(0)
    })

    it('fails when the peer is killed in the middle', async () => {
      const floor = await open(64)
      const running = floor.run(3_600_000)
      process.kill(floor.pids[1]!, 'SIGKILL')
      await expect(running).rejects.toThrow('the peer has died')
      await untilEnded(floor.pids)
    })

    it('takes the peer with it when it is killed in the middle', async () => {
      const floor = await open(64)
      const running = floor.run(3_600_000)
      process.kill(floor.pids[0]!, 'SIGKILL')
      await expect(running).rejects.toThrow('it has ended')
      await untilEnded(floor.pids)
    })

    it('ends when the process that opened it is killed', async () => {
      const script = fileURLToPath(new URL('./support/open-floor.mjs', import.meta.url))
      const opener = spawn(process.execPath, [script, mechanism], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [pids] = await once(opener.stdout.setEncoding('utf8'), 'data')
      opener.kill('SIGKILL')
      await untilEnded(pids.split(' ').map(Number))
    })
  })
})
