import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { buildProgram } from '../dist/c-program.js'
import { openRounds } from '../dist/floor.js'
import { bench, Missing } from '../dist/index.js'
import { boost, findPrograms, libzmq, nng, type ProgramPeer, programs } from '../dist/twins/programs.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

/** Undefined where what it needs is not installed. */
async function openIfThere(program: ProgramPeer, size: number) {
  try {
    return await program.open(size)
  } catch (error) {
    if (error instanceof Missing) return undefined
    throw error
  }
}

const all = [...new Set(Object.values(programs).flat())]
const there: ProgramPeer[] = []
for (const program of all) {
  const opened = await openIfThere(program, 1)
  await opened?.close()
  if (opened !== undefined) there.push(program)
}

const directories: string[] = []
async function directory() {
  const path = await mkdtemp(join(tmpdir(), 'strait-programs-'))
  directories.push(path)
  return path
}
afterAll(() => Promise.all(directories.map((path) => rm(path, { recursive: true }))))
afterEach(() => vi.unstubAllEnvs())

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.skipIf(there.length === 0).each(there)('$name (where it is installed)', (program) => {
  it.each([1, 64, 300_000])(
    'answers with durations for %d bytes, and closing leaves nothing',
    async (size) => {
      const before = readdirSync('/dev/shm').filter((name) => name.startsWith('strait-boost-'))
      const opened = await program.open(size)
      expect(opened.pids).toHaveLength(2)
      for (const pause of [undefined, { us: 1000, how: 'asleep' }, { us: 100, how: 'busy' }] as const) {
        const durations = await opened.run(5, pause)
        expect(durations.count).toBeGreaterThan(0)
        expect(durations.quantiles().p50).toBeGreaterThan(100)
      }
      await opened.close()
      expect(opened.pids.filter(isAlive)).toEqual([])
      expect(readdirSync('/dev/shm').filter((name) => name.startsWith('strait-boost-'))).toEqual(before)
    },
  )

  it('fails when its peer is killed in the middle, and leaves no process', async () => {
    const opened = await program.open(64)
    const running = opened.run(3_600_000)
    process.kill(opened.pids[1]!, 'SIGKILL')
    await expect(running).rejects.toThrow('the peer has died')
    while (isAlive(opened.pids[0]!)) await new Promise((resolve) => setTimeout(resolve, 10))
  })
})

const inC = [
  { program: libzmq, mechanism: 'ipc' },
  { program: nng, mechanism: 'ipc' },
  { program: boost, mechanism: 'blocking' },
]
const hasCompiler = spawnSync('cc', ['--version']).error === undefined

describe.skipIf(!hasCompiler).each(inC)('$program.name', ({ program, mechanism }) => {
  const isThere = there.some(({ name }) => name.toLowerCase().startsWith(program.name))

  it.skipIf(!isThere)('notices an answer that was damaged (where it is installed)', async () => {
    const damaging = { directory: await directory(), flags: ['-DFLOOR_PLANT_DAMAGE'] }
    const command = await buildProgram(program, damaging)
    const opened = await openRounds({ name: program.name, command, args: [mechanism] }, 4096)
    await expect(opened.run(1)).rejects.toThrow('a payload was damaged')
  })

  it('says which packages it needs where a header is not there', async () => {
    const lacking = { directory: await directory(), flags: ['-include', 'not-there.h'] }
    await expect(buildProgram(program, lacking)).rejects.toThrow(
      `there is no not-there.h; on Debian: apt install ${program.packages}`,
    )
  })
})

it.skipIf(!there.some(({ name }) => name === 'multiprocessing.Pipe'))(
  'multiprocessing.Pipe notices an answer that was damaged',
  async () => {
    vi.stubEnv('STRAIT_PLANT_DAMAGE', '1')
    const opened = await programs.unix!.find(({ name }) => name === 'multiprocessing.Pipe')!.open(4096)
    await expect(opened.run(1)).rejects.toThrow('a payload was damaged')
  },
)

describe('bench with peers', () => {
  it('has a row for each program that is there, without throughput, and says of the others why', async () => {
    const { rows, peersMissing } = await bench({
      urls: ['unix:'],
      modes: ['hot', 'parked'],
      peers: true,
      quick: true,
    })
    const names = findPrograms('unix', 64).map(({ name }) => name)
    for (const mode of ['hot', 'parked']) {
      const found = rows.filter((row) => row.mode === mode && names.includes(row.peer ?? ''))
      expect(found.map(({ peer }) => peer)).toEqual(
        there.map(({ name }) => name).filter((name) => names.includes(name)),
      )
      for (const row of found) {
        expect(row).toMatchObject({
          url: 'unix:',
          messagesPerSecond: null,
          floorNs: null,
          cpuPerRoundNs: null,
        })
        expect(row.rounds).toBeGreaterThan(0)
      }
    }
    const absent = names.filter((name) => !there.some((program) => program.name === name))
    expect(peersMissing.map((line) => line.split(':')[0])).toEqual(absent)
  })

  it('measures the rest and says what is missing where there is no python3', async () => {
    vi.stubEnv('PATH', '/nowhere')
    const { rows, peersMissing } = await bench({ urls: ['unix:'], peers: true, quick: true })
    expect(peersMissing).toContain('multiprocessing.Pipe: there is no python3')
    expect(rows.map(({ peer }) => peer)).toContain('net, Unix socket')
  })

  it('has none where ends block or write in place, nor for empty messages', () => {
    expect(findPrograms('unix', 64, 'sync')).toEqual([])
    expect(findPrograms('shm', 64, 'leased')).toEqual([])
    expect(findPrograms('unix', 0)).toEqual([])
  })
})
