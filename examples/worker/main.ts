import type { WorkerChannel } from '@strait/transport-worker'
import { type SpawnedPeer, StraitError, spawnPeer } from 'strait'

const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const thread = (mode: string): Promise<SpawnedPeer> =>
  spawnPeer('worker:', new URL('./thread.js', import.meta.url), { args: [mode] })

const painter = await thread('invert')
console.log(
  `the same process: ${painter.pid === process.pid}, another thread: ${painter.thread!.threadId > 0}`,
)

// A picture of 4 MiB goes there and comes back without being copied: each buffer has one owner at a time.
const picture = new Uint8Array(4 * 1024 * 1024).fill(0x0f)
await (painter.channel as WorkerChannel).send(picture, { transfer: true })
console.log(`after the transfer ${picture.byteLength} bytes of it are left here`)
const inverted = (await painter.channel.receive())!
console.log(`back: ${inverted.byteLength} bytes, each 0x${inverted[0]!.toString(16)}`)
await painter.close()

// A thread that computes does not read. A bare MessagePort would take everything; a channel is full after a window.
const busy = await thread('compute')
console.log(text(await busy.channel.receive()))
const block = new Uint8Array(4096)
let taken = 0
while (busy.channel.trySend(block)) taken++
console.log(`full after ${(taken * block.length) / 1024} KiB`)

// Nothing but terminate() ends such a thread, and the channel says so.
busy.kill()
const error = await busy.channel.receive().catch((error: StraitError) => error)
console.log(StraitError.is(error) ? `${error.code}, ${JSON.stringify(error.cause)}` : 'a message?')
