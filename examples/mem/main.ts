import { type Channel, connect, listen } from 'strait'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)

/** The program under test. It is given a channel and does not ask where it leads. */
async function shout(channel: Channel): Promise<void> {
  for await (const message of channel) await channel.send(bytes(text(message).toUpperCase()))
}

const listener = await listen('mem:shouter')
const ours = await connect('mem:shouter')
const theirs = (await listener.accept())!
const done = shout(theirs)

await ours.send(bytes('one word swaps the transport'))
console.log(`answer: ${text(await ours.receive())}`)

// A message is a copy: what the sender does to its buffer afterwards is the sender's own affair.
const buffer = bytes('before')
await ours.send(buffer)
buffer.fill(0)
console.log(`answer: ${text(await ours.receive())}`)

await ours.close()
await done
console.log(`after close: ${theirs.state}, by the ${(await theirs.closed).by}`)

// Not reading is backpressure here too, so a test finds the deadlock that a socket would have.
const flooding = await connect('mem:shouter')
const idle = (await listener.accept())!
let taken = 0
while (flooding.trySend(new Uint8Array(1024))) taken++
console.log(`nobody reads: message ${taken + 1} of 1 KiB is refused`)

flooding.abort()
idle.abort()
await listener.close()
