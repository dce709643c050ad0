// What a hot channel does to its neighbours: how regular a timer and how quick an HTTP server of the same process are,
// beside a channel that is idle, one that is hot (round trips one at a time) and one that is flooded by its peer. And
// what a thousand idle channels in both processes do to a hot one of the same scheme. All in turns, stretch by stretch.
//
//   node scripts/neighbours.mjs [url] [ms of a stretch] [repeats] [idle channels]      default: shm: 1000 5 1000

import { setTimeout as sleep } from 'node:timers/promises'
import { describeMachine, Histogram, peerLane, roundTrips } from '../packages/bench/dist/index.js'
import { Placer } from '../packages/bench/dist/placement.js'
import { duration, rate } from '../packages/cli/dist/format.js'
import { table } from '../packages/cli/dist/table.js'
import { spawnPeer } from '../packages/strait/dist/index.js'
import { Crowd } from './hot/crowd.mjs'
import { Residents } from './hot/residents.mjs'
import { ask, put, Wish, wish, wishWith } from './hot/wishes.mjs'

const [url = 'shm:', ...numbers] = process.argv.slice(2)
const [ms = 1_000, repeats = 5, idle = 1_000] = numbers.map(Number)
if (![ms, repeats, idle].every((number) => number > 0)) throw new RangeError('numbers above 0 are wanted')
/** How much longer than the neighbours are watched the channel is hot, so that they are never seen alone. In ms. */
const MARGIN = 50
/** Of round trips between two looks at the CPU time, in ms. */
const SLICE = 20

const { cpu, cores, kernel, node, commit } = await describeMachine()
console.log(
  `neighbours: of ${url}, ${repeats} × ${ms} ms of each, ${new Date().toISOString()}, commit ${commit}`,
)
console.log(`neighbours: ${cpu}, ${cores} cores, ${kernel}, Node ${node}`)

const placer = new Placer()
const peer = await spawnPeer(url, new URL('./hot/peer.mjs', import.meta.url))
const { channel } = peer
const lane = peerLane(peer, 64)
placer.place(lane)
if (placer.ends === undefined) console.log('neighbours: the kernel chooses where they run')
else
  console.log(
    `neighbours: this process on core ${placer.ends.here}, the peer and who asks on ${placer.ends.peer}`,
  )

await besideChannel()
await besideCrowd()
await peer.close()

/** A timer and an HTTP server beside the channel. */
async function besideChannel() {
  const residents = await Residents.start()
  placer.place(residents)
  /** What makes the channel so for some ms, and returns how many messages there were. */
  const states = { idle: rest, 'idle, the peer computes': compute, hot, flooded: beFlooded }
  const messages = new Map(Object.keys(states).map((what) => [what, 0]))
  for (const make of Object.values(states)) await make(ms / 2)
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [what, make] of Object.entries(states)) {
      const [count] = await Promise.all([make(ms + MARGIN), residents.watch(what, ms)])
      messages.set(what, messages.get(what) + count)
    }
  }
  const results = await residents.results()
  await residents.close()
  const rows = [...results].map(([what, found]) => ({ what, ...found }))
  for (const [resident, name] of [
    ['timer', 'a timer of 1 ms, from tick to tick'],
    ['http', 'HTTP, answered within'],
  ]) {
    const base = results.get('idle')[resident]
    const figure = (head, of) => [
      { head, cell: (row) => duration(row[resident][of]) },
      { head: '× idle', cell: (row) => (row[resident][of] / base[of]).toFixed(2) },
    ]
    const columns = [
      { head: name, cell: ({ what }) => `beside a channel that is ${what}`, align: 'left' },
      ...[...figure('p50', 'p50'), ...figure('p99', 'p99'), ...figure('max', 'max')],
      { head: 'n', cell: (row) => String(row[resident].count) },
      { head: 'messages', cell: ({ what }) => rate((messages.get(what) / repeats / (ms + MARGIN)) * 1000) },
    ]
    console.log(`\n${table(columns, rows, Number.POSITIVE_INFINITY)}`)
  }
}

async function rest(ms) {
  await sleep(ms)
  return 0
}

/** The peer's core is as busy as with a hot channel, without one. */
async function compute(ms) {
  await ask(channel, wishWith(Wish.compute, ms))
  return 0
}

async function hot(ms) {
  const question = wish(Wish.answer)
  const end = performance.now() + ms
  let messages = 0
  for (; performance.now() < end; messages += 2) await ask(channel, question)
  return messages
}

async function beFlooded(ms) {
  await put(channel, wish(Wish.flood))
  const end = performance.now() + ms
  let messages = 0
  let stopped = false
  for await (const message of channel) {
    if (message[0] === Wish.answer) break
    messages++
    if (stopped || performance.now() < end) continue
    stopped = true
    await put(channel, wish(Wish.nothing))
  }
  return messages
}

/** The channel beside many idle ones. */
async function besideCrowd() {
  const crowd = await Crowd.of(url, channel)
  if (crowd === undefined) {
    console.log(`\nneighbours: no crowd, for ${url} has neither addresses of its own nor pairs`)
    return
  }
  const rows = [0, idle].map((count) => ({ count, durations: new Histogram(), cpuNs: 0, medians: [] }))
  await measureRounds({ durations: new Histogram(), medians: [] })
  for (let repeat = 0; repeat < repeats; repeat++) {
    await measureRounds(rows[0])
    await crowd.open(idle)
    await measureRounds(rows[1])
    await crowd.close()
  }
  const [alone] = rows
  const p50 = ({ durations }) => durations.quantiles().p50
  const perRound = ({ cpuNs, durations }) => cpuNs / durations.count
  const columns = [
    { head: 'hot, beside', cell: ({ count }) => `${count} idle channels`, align: 'left' },
    { head: 'a round trip, p50', cell: (row) => duration(p50(row)) },
    {
      head: 'of each stretch',
      cell: ({ medians }) => `${duration(Math.min(...medians))} – ${duration(Math.max(...medians))}`,
    },
    { head: '× alone', cell: (row) => (p50(row) / p50(alone)).toFixed(2) },
    { head: 'p99', cell: ({ durations }) => duration(durations.quantiles().p99) },
    { head: 'CPU, both ends', cell: (row) => (Number.isNaN(perRound(row)) ? '–' : duration(perRound(row))) },
    { head: '× alone', cell: (row) => (perRound(row) / perRound(alone)).toFixed(2) },
    { head: 'n', cell: ({ durations }) => String(durations.count) },
  ]
  console.log(`\n${table(columns, rows, Number.POSITIVE_INFINITY)}`)
}

/** Adds a stretch of round trips to a row. */
async function measureRounds(row) {
  await put(channel, wish(Wish.rounds))
  const stretch = new Histogram()
  for (let done = 0; done < ms; done += SLICE) {
    const { durations, cpuNs } = await roundTrips(lane, { ms: Math.min(SLICE, ms) })
    stretch.add(durations)
    row.cpuNs += cpuNs ?? Number.NaN
  }
  await put(channel, new Uint8Array(0))
  row.durations.add(stretch)
  row.medians.push(stretch.quantiles().p50)
}
