import { randomBytes } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { connect, listen } from 'strait'

const key = randomBytes(32)
const refusal = (error: Error & { code?: string }) => error.code

// Port 0 is any free port; the listener's URL has the real one.
const listener = await listen('tcp://127.0.0.1:0', { key })
console.log(`connectable as printed: ${listener.url.port !== '0'}`)

// Those who are turned away do not disturb the listener. This is how to hear of them.
const turnedAway: string[] = []
const both = new Promise<void>((resolve) => {
  subscribe('strait:listener:refuse', (message) => {
    turnedAway.push((message as { error: { code: string } }).error.code)
    if (turnedAway.length === 2) resolve()
  })
})

console.log(`no key: ${await connect(listener.url).catch(refusal)}`)
console.log(`wrong key: ${await connect(listener.url, { key: 'guess' }).catch(refusal)}`)

await both
console.log(`the listener turned away ${turnedAway.length} and lives on`)

const [ours, theirs] = await Promise.all([connect(listener.url, { key }), listener.accept()])
await ours.send(new TextEncoder().encode('hello'))
console.log(`right key: ${new TextDecoder().decode(await theirs!.receive())}`)

await Promise.all([ours.close(), theirs!.close()])
await listener.close()
