import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { peerSchemes } from 'strait'
import { describe, expect, it, vi } from 'vitest'
import { type Lane, roundTrips, straitLane, throughput, twins } from '../dist/index.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 60_000 })

const lanes: [string, (payloadBytes: number) => Promise<Lane>][] = [
  ...(await peerSchemes()).map(
    (scheme) => [scheme, (size: number) => straitLane(`${scheme}:`, size)] as [string, never],
  ),
  ...Object.entries(twins).map(([scheme, twin]) => [`the twin of ${scheme}`, twin] as [string, never]),
]

describe.each(lanes)('over %s', (_, open) => {
  it('round trips are counted and use CPU, and closing leaves no process', async () => {
    const lane = await open(64)
    const { durations, cpuNs } = await roundTrips(lane, { rounds: 300 })
    expect(durations.count).toBe(300)
    expect(cpuNs).toBeGreaterThan(0)
    await lane.close()
    if (lane.pid !== undefined) expect(() => process.kill(lane.pid!, 0)).toThrow('ESRCH')
  })

  it('one way ends when the peer has read the last, however large the messages are', async () => {
    const lane = await open(100_000)
    const { messages, ns } = await throughput(lane, 1)
    expect(messages).toBeGreaterThan(1)
    expect(ns).toBeGreaterThan(0)
    // A question on the same way is answered by itself, so nothing of before is left.
    expect((await roundTrips(lane, { rounds: 3 })).durations.count).toBe(3)
    await lane.close()
  })
})

const IN_THIS_PROCESS = ['mem', 'worker', 'the twin of worker']

describe.each(lanes.filter(([name]) => !IN_THIS_PROCESS.includes(name)))('over %s', (_, open) => {
  it('a question to a peer that was killed fails', async () => {
    const lane = await open(64)
    await roundTrips(lane, { rounds: 1 })
    process.kill(lane.pid!, 'SIGKILL')
    await expect(roundTrips(lane, { ms: 3_600_000 })).rejects.toThrow()
    await lane.close()
  })
})

describe.each(Object.keys(twins).filter((scheme) => scheme !== 'worker'))('the twin of %s', (scheme) => {
  it('has a peer that ends when this process is killed', async () => {
    const script = fileURLToPath(new URL('./support/open.mjs', import.meta.url))
    const opener = spawn(process.execPath, [script, scheme], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = await once(opener.stdout.setEncoding('utf8'), 'data')
    const peerEnds = once(opener.stdout, 'close')
    opener.kill('SIGKILL')
    // The peer holds the same stdout, so that closes with the last of the two.
    await peerEnds
    while (isAlive(Number(pid))) await new Promise((resolve) => setImmediate(resolve))
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
