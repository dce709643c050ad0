import { expect, it, vi } from 'vitest'
import { bench } from '../dist/index.js'

// A guard against hangs, not an expectation.
vi.setConfig({ testTimeout: 120_000 })

const plan = { warmUpMs: 2, repeats: 2, stretches: 1, stretchMs: 1 }
const figure = expect.any(Number)
const quantiles = { p50: figure, p90: figure, p99: figure, p999: figure, max: figure, mean: figure }

it('connecting is measured where a process can connect to another, and starting one everywhere', async () => {
  const { rows, connections } = await bench({ urls: ['unix:', 'fork:'], modes: [], connections: true, plan })
  expect(rows).toEqual([])
  expect(connections).toMatchObject([
    { url: 'unix:', connectNs: quantiles, firstMessageNs: quantiles, spawnNs: quantiles, rounds: 4 },
    { url: 'fork:', connectNs: null, firstMessageNs: null, spawnNs: quantiles, rounds: 2 },
  ])
  const [unix] = connections
  expect(unix!.firstMessageNs!.p50).toBeGreaterThan(unix!.connectNs!.p50)
})

it('several peers at once are measured beside one, with the twin behind the transport', async () => {
  const { fanIn } = await bench({ urls: ['tcp:'], modes: [], fanIn: 2, peers: true, payloads: [100], plan })
  const row = {
    url: 'tcp:',
    scheme: 'tcp',
    peers: 2,
    payloadBytes: 100,
    spread: figure,
    noisy: expect.any(Boolean),
  }
  const figures = { messagesPerSecond: figure, ratioToOne: figure, smallestShare: figure }
  expect(fanIn).toEqual([
    { ...row, ...figures },
    { ...row, ...figures, peer: 'net, TCP' },
  ])
  for (const { smallestShare } of fanIn) {
    expect(smallestShare).toBeGreaterThan(0)
    expect(smallestShare).toBeLessThanOrEqual(0.5)
  }
})
