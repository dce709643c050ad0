import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { supported } from '@strait/posix'
import { peerSchemes } from 'strait'
import { describe, expect, it, vi } from 'vitest'
import { canFlood, flood } from '../dist/flood.js'
import {
  blockingTwins,
  canBlock,
  canLease,
  findTwins,
  type Lane,
  Missing,
  roundTrips,
  straitLane,
  type Twin,
  throughput,
  twins,
} from '../dist/index.js'
import { newNodeIpc } from '../dist/twins/node-ipc-library.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

// The addon is below it.
const blocking = supported ? named(blockingTwins) : []

/** Each with the name of what it is beside. */
function named(bySchemes: typeof twins): [string, Twin][] {
  return Object.entries(bySchemes).flatMap(([scheme, list]) =>
    list.map((twin) => [scheme, twin] as [string, Twin]),
  )
}

const lanes: [string, (payloadBytes: number) => Promise<Lane>][] = [
  ...(await peerSchemes()).map(
    (scheme) => [scheme, (size: number) => straitLane(`${scheme}:`, size)] as [string, never],
  ),
  ...[...named(twins), ...blocking].map(
    ([scheme, twin]) => [`the twin of ${scheme}: ${twin.name}`, twin.open] as [string, never],
  ),
]

describe.each(lanes)('over %s', (_, open) => {
  it('round trips are counted, one way ends when the peer has read the last, and closing leaves no process', async () => {
    const lane = await open(100_000)
    const { durations, cpuNs } = await roundTrips(lane, { rounds: 20 })
    expect(durations.count).toBe(20)
    expect(cpuNs).toBeGreaterThan(0)
    const { messages, ns } = await throughput(lane, 1)
    expect(messages).toBeGreaterThan(1)
    expect(ns).toBeGreaterThan(0)
    // A question on the same way is answered by itself, so nothing of before is left.
    expect((await roundTrips(lane, { rounds: 3 })).durations.count).toBe(3)
    await lane.close()
    if (lane.pid !== undefined) expect(() => process.kill(lane.pid!, 0)).toThrow('ESRCH')
  })
})

const IN_THIS_PROCESS = ['mem', 'worker', 'the twin of worker: MessagePort']

/** Whether messages of a lane may be empty. */
function hasEmpty(name: string): boolean {
  const scheme = /^the twin of (.*?):/.exec(name)?.[1]
  return scheme === undefined || scheme in blockingTwins || findTwins(scheme, 0).length > 0
}

describe.each(lanes)('over %s', (name, open) => {
  it('empty messages, where they may be, go there and back, one way, and back, and a question to a peer that was killed fails', async () => {
    const lane = await open(hasEmpty(name) ? 0 : 1)
    expect((await roundTrips(lane, { rounds: 10 })).durations.count).toBe(10)
    expect((await throughput(lane, 1)).messages).toBeGreaterThan(1)
    expect((await roundTrips(lane, { rounds: 10 })).durations.count).toBe(10)
    if (!IN_THIS_PROCESS.includes(name)) {
      process.kill(lane.pid!, 'SIGKILL')
      await expect(roundTrips(lane, { ms: 3_600_000 })).rejects.toThrow()
    }
    await lane.close()
  })
})

it('bare sockets have no twin for empty messages, which they cannot send', () => {
  expect(findTwins('unix', 0)).toEqual([])
  expect(findTwins('unix', 1)).toBe(twins.unix)
})

describe.each(named(twins).map(([, { name, open }]) => [name, open] as const))(
  'the twin %s',
  (name, open) => {
    it('messages that do not fit into what the kernel holds go both ways at once', async () => {
      const lane = await open(1_048_576)
      expect(canFlood(lane)).toBe(true)
      if (canFlood(lane)) expect((await flood([lane], 50)).messages).toBeGreaterThan(1)
      await lane.close()
      expect(name).toBe(lane.name)
    })
  },
)

const schemes = await peerSchemes()
const withSync: string[] = []
for (const scheme of schemes) if (await canBlock(`${scheme}:`)) withSync.push(scheme)

describe.skipIf(withSync.length === 0).each(withSync)('over %s, both ends blocking', (scheme) => {
  async function thereAndBack(size: number): Promise<Lane> {
    const lane = await straitLane(`${scheme}:`, size, { sync: true })
    expect((await roundTrips(lane, { rounds: 3 })).durations.count).toBe(3)
    expect((await throughput(lane, 1)).messages).toBeGreaterThan(1)
    await lane.report!()
    expect((await roundTrips(lane, { rounds: 3 })).durations.count).toBe(3)
    return lane
  }

  it('long messages go there and back, one way, and back, and closing leaves no process', async () => {
    const lane = await thereAndBack(100_000)
    await lane.close()
    expect(() => process.kill(lane.pid!, 0)).toThrow('ESRCH')
  })

  it('so do empty ones, and a question to a peer that was killed fails', async () => {
    const lane = await thereAndBack(0)
    process.kill(lane.pid!, 'SIGKILL')
    await expect(roundTrips(lane, { ms: 3_600_000 })).rejects.toThrow()
    await lane.close()
  })
})

const leasing: string[] = []
for (const scheme of schemes) if (await canLease(`${scheme}:`)) leasing.push(scheme)

it('messages of shm: can be written and read in place, where the addon is there, and no others', () => {
  expect(leasing).toEqual(schemes.filter((scheme) => scheme === 'shm'))
})

describe.skipIf(leasing.length === 0).each(leasing)('over %s, in place', (scheme) => {
  it.each([0, 64, 30_000])('%d bytes go there and back, one way, and back', async (size) => {
    const lane = await straitLane(`${scheme}:`, size, { leased: true })
    for (let time = 0; time < 2; time++) {
      expect((await roundTrips(lane, { rounds: 300 })).durations.count).toBe(300)
      expect((await throughput(lane, 1)).messages).toBeGreaterThan(1)
      await lane.report!()
    }
    await lane.close()
    expect(() => process.kill(lane.pid!, 0)).toThrow('ESRCH')
  })

  it('one way every message is written where the peer reads it, and nowhere else', async () => {
    const lane = await straitLane(`${scheme}:`, 64, { leased: true })
    const buffers = new Set<ArrayBufferLike>()
    let written = 0
    function seen(write: (room: Uint8Array) => void) {
      return lane.sendInPlace!((room) => {
        expect(room.length).toBe(64)
        buffers.add(room.buffer)
        written++
        write(room)
      })
    }
    function unexpected(): never {
      throw new Error('it was copied')
    }
    const { messages } = await throughput({ ...lane, sendInPlace: seen, send: unexpected }, 1)
    // All but the question at the end.
    expect(written).toBe(messages - 1)
    expect(buffers.size).toBe(1)
    await lane.close()
  })

  it('a question to a peer that was killed fails', async () => {
    const lane = await straitLane(`${scheme}:`, 64, { leased: true })
    await roundTrips(lane, { rounds: 1 })
    process.kill(lane.pid!, 'SIGKILL')
    await expect(roundTrips(lane, { ms: 3_600_000 })).rejects.toThrow()
    await lane.close()
  })

  it('a message that is too large to be written in place is refused, with the ring that has room', async () => {
    await expect(straitLane(`${scheme}:`, 100_000, { leased: true })).rejects.toMatchObject({
      code: 'ERR_STRAIT_TOO_LARGE',
      message: expect.stringContaining('?ring=262144 makes room for it'),
    })
    const lane = await straitLane(`${scheme}:?ring=262144`, 100_000, { leased: true })
    expect((await roundTrips(lane, { rounds: 3 })).durations.count).toBe(3)
    await lane.close()
  })
})

it('a library that comes with a clone of the repository is missing elsewhere, and says so', async () => {
  await expect(newNodeIpc('not-there')).rejects.toThrow(
    new Missing('it comes with a clone of the repository, not with the package'),
  )
})

it('what blocks is measured beside the ring alone, and what is written in place beside nothing', () => {
  expect(findTwins('shm', 64, 'sync')).toBe(blockingTwins.shm)
  expect(findTwins('shm', 64, 'hot')).toEqual([])
  expect(findTwins('unix', 64, 'sync')).toEqual([])
  expect(findTwins('unix', 64, 'leased')).toEqual([])
})

it('over a transport that cannot write in place, a lane that shall is refused', async () => {
  await expect(straitLane('unix:', 64, { leased: true })).rejects.toMatchObject({
    code: 'ERR_STRAIT_NOT_SUPPORTED',
    message: expect.stringContaining('its channels have no claim'),
  })
})

it('over a transport that cannot block, a lane that shall is refused', async () => {
  await expect(straitLane('unix:', 64, { sync: true })).rejects.toMatchObject({
    code: 'ERR_STRAIT_NOT_SUPPORTED',
    message: expect.stringContaining('its channels have no sendSync'),
  })
})

describe.each(schemes)('the peer over %s', (scheme) => {
  it('reports its garbage collections, on the clock that this process has', async () => {
    const lane = await straitLane(`${scheme}:`, 10_000)
    await lane.report!()
    const from = Number(process.hrtime.bigint())
    let report: Awaited<ReturnType<NonNullable<Lane['report']>>>
    do {
      await roundTrips(lane, { rounds: 100 })
      report = await lane.report!()
    } while (report.collections.length === 0)
    const to = Number(process.hrtime.bigint())
    for (const collection of report.collections) {
      expect(collection.to).toBeGreaterThan(collection.from)
      // The clocks are set to each other but for the time that reading them takes.
      expect(collection.from).toBeGreaterThan(from - 1e6)
      expect(collection.to).toBeLessThan(to + 1e6)
    }
    await lane.close()
  })
})

const spawned = [...named(twins), ...blocking]
  .map(([, { name }]) => name)
  .filter((name) => name !== 'MessagePort')

describe.each(spawned)('the twin %s', (name) => {
  it('has a peer that ends when this process is killed', async () => {
    const script = fileURLToPath(new URL('./support/open.mjs', import.meta.url))
    const opener = spawn(process.execPath, [script, name], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = await once(opener.stdout.setEncoding('utf8'), 'data')
    const peerEnds = once(opener.stdout, 'close')
    opener.kill('SIGKILL')
    // The peer holds the same stdout, so that closes with the last of the two.
    await peerEnds
    while (isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 10))
  })
})

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
