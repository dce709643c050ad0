import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { connect, listen, toDuplex } from 'strait'

const listener = await listen('mem:shouter')
const [ours, theirs] = await Promise.all([connect('mem:shouter'), listener.accept()])
await listener.close()

// Both ends agree that one direction may end before the other.
const halfOpen = { allowHalfOpen: true }

async function* shout(source: AsyncIterable<Buffer>) {
  for await (const chunk of source) yield String(chunk).toUpperCase()
}
const there = toDuplex(theirs!, halfOpen)
const serving = pipeline(there, createGunzip(), shout, createGzip(), there)

const answer = await pipeline(
  Readable.from(['compressed there, ', 'and back']),
  createGzip(),
  toDuplex(ours, halfOpen),
  createGunzip(),
  (source) => text(source),
)
await serving
console.log(answer)
console.log(`the channel is ${(await ours.closed).error === undefined ? 'closed cleanly' : 'broken'}`)
