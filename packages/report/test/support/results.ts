import type { Mode, Placement, Quantiles, Results, Row } from '@strait/bench'

/** What a lane of the example is like: its median in ns when hot, in 64 bytes, and whose program it is. */
interface Like {
  readonly url: string
  readonly p50: number
  readonly peer?: string
  readonly floor?: number
  readonly noisy?: boolean
}

const LANES: readonly Like[] = [
  { url: 'mem:', p50: 420 },
  { url: 'pipe:', p50: 47_000, floor: 39_000 },
  { url: 'fifo:', p50: 48_000, floor: 40_500 },
  { url: 'signal:', p50: 402_000, floor: 54_000, noisy: true },
  { url: 'mq:', p50: 58_000, floor: 51_000 },
  { url: 'sysv-mq:', p50: 74_000, floor: 54_000 },
  { url: 'sem:', p50: 66_000, floor: 51_000 },
  { url: 'shm:', p50: 610, floor: 150 },
  { url: 'shm:', p50: 51_000, peer: 'Boost.Interprocess message_queue' },
  { url: 'seqpacket:', p50: 46_000, floor: 37_000 },
  { url: 'unix:', p50: 49_000, floor: 36_000 },
  { url: 'unix:', p50: 61_000, peer: 'net, Unix socket' },
  { url: 'unix:', p50: 79_000, peer: 'node-ipc' },
  { url: 'unix:', p50: 44_000, peer: 'multiprocessing.Pipe' },
  { url: 'tcp:', p50: 57_000, floor: 48_000 },
  { url: 'tcp:', p50: 65_000, peer: 'net, TCP' },
  { url: 'fork:', p50: 66_000, floor: 36_000 },
  { url: 'fork:', p50: 61_000, peer: 'child_process, json' },
  { url: 'fork:', p50: 67_000, peer: 'child_process, advanced', noisy: true },
  { url: 'worker:', p50: 55_000 },
  { url: 'worker:', p50: 57_000, peer: 'MessagePort' },
  { url: 'ws:', p50: 64_000, floor: 48_000 },
  { url: 'ws:', p50: 66_000, peer: 'ws' },
  { url: 'zmq+tcp:', p50: 91_000 },
  { url: 'zmq+tcp:', p50: 84_000, peer: 'zeromq, TCP' },
  { url: 'zmq+ipc:', p50: 90_000 },
  { url: 'zmq+ipc:', p50: 86_000, peer: 'zeromq, ipc' },
]

/** A run as it could be, with made-up figures: a table of all, much as a reference measurement leaves it. */
export function exampleResults(): Results {
  const transports = LANES.filter(({ peer }) => peer === undefined)
  const slower: readonly [Mode, number][] = [
    ['paced', 1.3],
    ['parked', 2.1],
    ['sync', 0.8],
  ]
  return {
    ...emptyResults(),
    rows: [
      ...LANES.map((lane) => exampleRow(lane)),
      ...LANES.flatMap((lane) =>
        [1024, 65_536, 1_048_576].map((payloadBytes) => exampleRow(lane, { payloadBytes })),
      ),
      ...transports.flatMap((lane) =>
        slower.map(([mode, factor]) => exampleRow({ ...lane, p50: lane.p50 * factor }, { mode })),
      ),
      ...transports.map((lane) =>
        exampleRow({ ...lane, p50: 4000 + lane.p50 / 8 }, { placement: 'same-core' }),
      ),
    ],
    connections: transports.map(({ url, p50 }) => ({
      ...measured({ url, p50 }),
      connectNs: url === 'fork:' || url === 'worker:' ? null : quantiles(400_000 + p50),
      firstMessageNs: url === 'fork:' || url === 'worker:' ? null : quantiles(500_000 + 2 * p50),
      spawnNs: quantiles(48_000_000 + p50),
      rounds: 20,
    })),
    fanIn: transports.slice(1).map((lane) => ({
      ...measured(lane),
      peers: 4,
      payloadBytes: 64,
      messagesPerSecond: Math.round(9e9 / lane.p50),
      ratioToOne: 1.62,
      smallestShare: 0.241,
    })),
  }
}

/** A run of one lane, with as little as possible. */
export const smallestResults = (): Results => ({
  ...emptyResults(),
  rows: [exampleRow({ url: 'unix:', p50: 49_000 })],
})

/** A run that has measured nothing. */
export function emptyResults(): Results {
  return {
    version: 2,
    date: '2026-01-02T03:04:05.678Z',
    machine: {
      cpu: 'Example CPU 4242',
      cores: 2,
      usableCores: 2,
      memoryBytes: 16 * 2 ** 30,
      virtual: true,
      kernel: 'Linux 6.1.0',
      node: 'v20.19.0',
      commit: '0123456789ab',
    },
    plan: { warmUpMs: 300, repeats: 5, stretches: 10, stretchMs: 20 },
    rows: [],
    connections: [],
    fanIn: [],
    parts: [{ what: 'hot, 64 bytes, different-cores', paceSpread: 0.03, notes: [] }],
    peersMissing: [],
  }
}

/** A run of one part, which calls itself noisy. */
export function noisyResults(note: string): Results {
  const results = exampleResults()
  return { ...results, parts: results.parts.map((part) => ({ ...part, notes: [note] })) }
}

const measured = ({ url, peer, noisy = false }: Like) => ({
  url,
  scheme: url.slice(0, url.indexOf(':')),
  spread: noisy ? 0.31 : 0.04,
  noisy,
  ...(peer === undefined ? {} : { peer }),
})

interface Where {
  readonly mode?: Mode
  readonly placement?: Placement
  readonly payloadBytes?: number
}

export function exampleRow(
  like: Like,
  { mode = 'hot', placement = 'different-cores', payloadBytes = 64 }: Where = {},
): Row {
  const p50 = like.p50 + 0.25 * payloadBytes
  const distribution = hills(p50)
  const pauses = mode === 'paced' || mode === 'parked'
  const perSecond = pauses ? null : Math.round(4e9 / p50)
  const floor = pauses ? undefined : like.floor
  return {
    ...measured(like),
    mode,
    waitStrategy: like.url === 'shm:' && like.peer === undefined ? 'adaptive' : null,
    placement,
    payloadBytes,
    warmUpMs: 120,
    rounds: distribution.reduce((total, [, rounds]) => total + rounds, 0),
    rttNs: quantiles(p50),
    distribution,
    messagesPerSecond: perSecond,
    bytesPerSecond: perSecond && perSecond * payloadBytes,
    bothWaysPerSecond: perSecond && like.peer === undefined ? Math.round(perSecond * 0.7) : null,
    cpuPerRoundNs: Math.round(p50 * 1.4),
    switchesPerRound: like.url.startsWith('shm') ? 0.002 : 2.03,
    floorNs: floor ?? null,
    floorSpread: floor === undefined ? null : 0.03,
    ratioToFloor: floor === undefined ? null : Number((p50 / floor).toPrecision(4)),
    shareOfCopy: null,
    tail: {
      rounds: 10,
      collecting: 2,
      waiting: 3,
      parked: 0,
      unexplained: 5,
      here: { collections: null, preemptions: null, waitedNs: null, parks: null },
      peer: null,
    },
  }
}

const quantiles = (p50: number): Quantiles => ({
  p50,
  p90: Math.round(p50 * 1.4),
  p99: Math.round(p50 * 2.6),
  p999: Math.round(p50 * 11),
  max: Math.round(p50 * 60),
  mean: Math.round(p50 * 1.1),
})

/** A hill around the median, a lower one further up, and some that took long. */
function hills(p50: number): [number, number][] {
  const bin = (ns: number) => Math.ceil(48 * Math.log10(ns))
  const hill = (index: number, middle: number, width: number, height: number) =>
    height * Math.exp(-(((index - bin(middle)) / width) ** 2))
  return Array.from({ length: 110 }, (_, offset): [number, number] => {
    const index = bin(p50) - 12 + offset
    const rounds = hill(index, p50, 4, 4000) + hill(index, p50 * 2, 3, 300) + hill(index, p50 * 11, 9, 3)
    return [Math.floor(10 ** (index / 48)), Math.round(rounds)]
  }).filter(([, rounds]) => rounds > 0)
}
