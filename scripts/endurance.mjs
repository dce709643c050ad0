// Keeps a channel hot for minutes and looks whether either process grows: round trips one at a time, one-way traffic
// each way as fast as it goes, and messages of 1 MiB, round after round; after each both processes collect garbage and
// say what they have. First it weighs what one message leaves to be collected. Fails when a figure has grown in the
// second half by more than is tolerated and more than by chance. `--leak`: this one keeps 1 MiB a round, and must fail.
//
//   node scripts/endurance.mjs [minutes] [url] [--leak]      default: 10 shm:

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine } from '../packages/bench/dist/index.js'
import { integer, rate } from '../packages/cli/dist/format.js'
import { table } from '../packages/cli/dist/table.js'
import { spawnPeer } from '../packages/strait/dist/index.js'
import { sample } from './hot/sample.mjs'
import { trends } from './hot/trend.mjs'
import { ask, jsonOf, put, Wish, wish } from './hot/wishes.mjs'

const KIB = 1024
const MIB = 1024 * KIB
/** Of a run at least; and none is longer than so many ms. */
const ROUNDS = 12
const LONGEST_ROUND = 5_000
/** How a round's time is shared out. */
const SHARES = { roundTrips: 0.6, there: 0.15, back: 0.15, large: 0.1 }
const PER_LOOK = 256

const { values, positionals } = parseArgs({ options: { leak: { type: 'boolean' } }, allowPositionals: true })
const [minutes = '10', url = 'shm:'] = positionals
const duration = Number(minutes) * 60_000
if (!(duration > 0)) throw new RangeError(`minutes must be a number above 0, not ${minutes}`)
const { cpu, cores, kernel, node, commit } = await describeMachine()
console.log(`endurance: ${minutes} min over ${url}, ${new Date().toISOString()}, commit ${commit}`)
console.log(`endurance: ${cpu}, ${cores} cores, ${kernel}, Node ${node}\n`)

weigh()
const peer = await spawnPeer(url, new URL('./hot/peer.mjs', import.meta.url))
const { channel } = peer
const leaked = []
const samples = await keepHot()
await peer.close()
const grown = judge(samples.here, 'here') + judge(samples.peer, 'peer')
console.log(grown === 0 ? 'endurance: no growth' : 'endurance: it grows')
process.exitCode = grown === 0 ? 0 : 1

/** Prints what a message leaves to be collected. In a process of its own, in which nothing is collected. */
function weigh() {
  const program = fileURLToPath(new URL('./hot/allocation.mjs', import.meta.url))
  const args = ['--min-semi-space-size=64', '--max-semi-space-size=64', program, url]
  const found = JSON.parse(execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
  const bytes = (count) => (Number.isFinite(count) ? count.toFixed(1) : '–')
  const columns = [
    { head: 'allocated for each message of 64 B', cell: ({ what }) => what, align: 'left' },
    { head: 'heap, B', cell: ({ heap }) => bytes(heap) },
    { head: 'beyond these alone', cell: ({ heap, alone }) => bytes((heap ?? Number.NaN) - alone) },
    { head: 'buffers, B', cell: ({ buffers }) => bytes(buffers) },
  ]
  console.log(`${table(columns, found, Number.POSITIVE_INFINITY)}\n`)
}

/** Rounds until the time is over; returns the samples of both processes. */
async function keepHot() {
  const length = Math.min(LONGEST_ROUND, duration / ROUNDS)
  const start = performance.now()
  const samples = { here: [], peer: [] }
  printRow([
    '',
    'messages',
    ...['here', 'peer'].flatMap((side) => [`${side} RSS`, 'heap', 'external', 'fds', 'maps']),
  ])
  printRow(['s', 'a second', ...Array(2).fill(['KiB', 'KiB', 'KiB', '', '']).flat()])
  while (performance.now() - start < duration || samples.here.length < ROUNDS) {
    const began = performance.now()
    const messages =
      (await roundTrips(wish(Wish.answer), length * SHARES.roundTrips)) +
      (await there(length * SHARES.there)) +
      (await back(length * SHARES.back)) +
      (await roundTrips(wish(Wish.answer, MIB), length * SHARES.large))
    if (values.leak) leaked.push(new Array(MIB / 8).fill(0))
    const perSecond = (messages / (performance.now() - began)) * 1000
    const at = (performance.now() - start) / 1000
    samples.peer.push({ at, ...jsonOf(await ask(channel, wish(Wish.sample))) })
    samples.here.push({ at, ...(await sample()) })
    const last = [samples.here, samples.peer].map((side) => side.at(-1))
    printRow([at.toFixed(1), rate(perSecond), ...last.flatMap(cells)])
  }
  return samples
}

async function roundTrips(question, ms) {
  const end = performance.now() + ms
  let messages = 0
  do {
    for (let count = 0; count < (question.length < MIB ? PER_LOOK : 1); count++, messages += 2)
      await ask(channel, question)
  } while (performance.now() < end)
  return messages
}

/** One way, without a promise where there is room. */
async function there(ms) {
  const message = wish(Wish.nothing)
  const end = performance.now() + ms
  let messages = 0
  do {
    for (let count = 0; count < PER_LOOK; count++, messages++) {
      const room = put(channel, message)
      if (room !== undefined) await room
    }
  } while (performance.now() < end)
  await ask(channel, wish(Wish.answer))
  return messages
}

/** The other way, without a promise where there is a message. */
async function back(ms) {
  await put(channel, wish(Wish.flood))
  const end = performance.now() + ms
  let messages = 0
  let asked = false
  for (;;) {
    const message = channel.tryReceive() ?? (await channel.receive())
    if (message === undefined || message[0] === Wish.answer) return messages
    if (++messages % PER_LOOK === 0 && !asked && performance.now() >= end) {
      asked = true
      await put(channel, wish(Wish.nothing))
    }
  }
}

/** Prints what has become of one process, and returns how many figures have grown too much. */
function judge(samples, side) {
  const found = trends(samples)
  const columns = [
    { head: side, cell: ({ figure }) => figure, align: 'left' },
    { head: 'at first', cell: ({ figure }) => integer(samples[0][figure]) },
    { head: 'in the end', cell: ({ figure }) => integer(samples.at(-1)[figure]) },
    { head: 'growth in the second half', cell: ({ grown }) => integer(Math.round(grown)) },
    { head: 'by chance up to', cell: ({ chance }) => integer(Math.round(chance)) },
    { head: 'tolerated', cell: ({ tolerated }) => integer(tolerated) },
    { head: '', cell: ({ tooMuch }) => (tooMuch ? 'GROWS' : ''), align: 'left' },
  ]
  console.log(`\n${table(columns, found, Number.POSITIVE_INFINITY)}\n`)
  return found.filter(({ tooMuch }) => tooMuch).length
}

function cells({ rss, heapUsed, external, descriptors, maps }) {
  return [...[rss, heapUsed, external].map((bytes) => integer(Math.round(bytes / KIB))), descriptors, maps]
}

function printRow(cells) {
  console.log(cells.map((cell) => String(cell).padStart(9)).join(''))
}
