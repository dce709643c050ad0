// How many bytes of garbage a message makes in this process, beside what its promise and its buffer alone make, found
// in the same way: how much more there is after thousands of them. What was collected meanwhile would be missing: the
// young generation is given room for all of it, and a repeat in which the engine has collected does not count. Prints
// JSON; `alone` is what to compare with.
//
//   node --min-semi-space-size=64 --max-semi-space-size=64 scripts/hot/allocation.mjs URL

import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { spawnPeer } from '../../packages/strait/dist/index.js'
import { collectAll } from './sample.mjs'
import { ask, put, Wish, wish } from './wishes.mjs'

const MESSAGES = 8_192
/** The first ones warm up. */
const REPEATS = 9
const WARM_UP = 4
const SIZE = 64
const PER_SLAB = 1024

let collections = 0
const count = (entries) => {
  collections += entries.length
}
const observer = new PerformanceObserver((list) => count(list.getEntries()))
observer.observe({ entryTypes: ['gc'] })

const peer = await spawnPeer(process.argv[2], new URL('./peer.mjs', import.meta.url))
const { channel } = peer
const question = wish(Wish.answer, SIZE)
const drop = wish(Wish.nothing, SIZE)
/** Somebody has what was received: what nobody uses the engine need not make. */
const kept = { message: undefined }
let slab = new ArrayBuffer(0)

const awaited = await measure('a promise and a buffer, awaited', async () => {
  for (let index = 0; index < MESSAGES; index++) kept.message = await Promise.resolve(buffer(index))
})
const taken = await measure('a buffer', async () => {
  for (let index = 0; index < MESSAGES; index++) kept.message = buffer(index)
})
const roundTrip = await measure('a round trip: trySend, await receive', exchange)
const received = await measure(
  'received: tryReceive, await receive where there is none',
  readFlood,
  startFlood,
  endFlood,
)
const sent = await measure(
  'sent: trySend, await send where it is full',
  writeFlood,
  () => {},
  () => ask(channel, question),
)
const beside = (found, alone) => ({ ...found, alone: alone.heap })
console.log(
  JSON.stringify([
    awaited,
    beside(roundTrip, awaited),
    taken,
    beside(received, taken),
    beside(sent, { heap: 0 }),
  ]),
)
await peer.close()

/** Bytes of one message, on the heap and outside: the median of the repeats that count; null if none does. */
async function measure(what, run, before = () => {}, after = () => {}) {
  const found = []
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    await before()
    await collectAll()
    await turn()
    count(observer.takeRecords())
    collections = 0
    const start = process.memoryUsage()
    await run()
    const end = process.memoryUsage()
    // Node hands over its record of collections in turns of the event loop.
    await turn()
    await turn()
    count(observer.takeRecords())
    if (repeat >= WARM_UP && collections === 0) found.push([start, end])
    await after()
  }
  const perMessage = (figure) => median(found.map(([start, end]) => (end[figure] - start[figure]) / MESSAGES))
  return { what, heap: perMessage('heapUsed'), buffers: perMessage('arrayBuffers') }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? null
}

/** As a receiver is given it: a view of memory that many messages share. */
function buffer(index) {
  const at = index % PER_SLAB
  if (at === 0) slab = new ArrayBuffer(PER_SLAB * SIZE)
  return new Uint8Array(slab, at * SIZE, SIZE)
}

async function exchange() {
  for (let index = 0; index < MESSAGES; index++) {
    if (!channel.trySend(question)) await channel.send(question)
    kept.message = await channel.receive()
  }
}

async function startFlood() {
  await put(channel, wish(Wish.flood))
}

async function readFlood() {
  for (let index = 0; index < MESSAGES; index++) {
    kept.message = channel.tryReceive() ?? (await channel.receive())
  }
}

async function endFlood() {
  await put(channel, wish(Wish.nothing))
  while ((await channel.receive())[0] !== Wish.answer);
}

async function writeFlood() {
  for (let index = 0; index < MESSAGES; index++) {
    const room = put(channel, drop)
    if (room !== undefined) await room
  }
}
