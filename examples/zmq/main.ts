import { fork } from 'node:child_process'
import { curveKeyPair, zmqTcp } from '@strait/transport-zmq'
import { connect } from 'strait'

const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)
const bytes = (message: string) => new TextEncoder().encode(message)

// With CURVE, ZeroMQ encrypts what is sent, and who connects must know the listener's public key; the key of Strait
// lets in only those who know it too.
const keys = curveKeyPair()
const key = 'whoever knows this may connect'
const listener = await zmqTcp.listen(new URL('zmq+tcp://127.0.0.1:0'), { curve: keys, key })

// One ZeroMQ socket listens for all of them, and each is a channel of its own.
const peers = []
for (const name of ['Ada', 'Grace', 'Edith']) {
  const process = fork(new URL('./peer.js', import.meta.url), [listener.url.href, keys.publicKey, key, name])
  const channel = (await listener.accept())!
  console.log(`${text(await channel.receive())} is here`)
  peers.push({ name, channel, process })
}

console.log(`without CURVE: ${await connect(listener.url, { key }).catch((error) => error.code)}`)

// A ROUTER alone would go on sending to nobody, without a word.
const [ada, grace, edith] = peers
grace!.process.kill('SIGKILL')
const { error } = await grace!.channel.closed
console.log(`Grace was killed: ${error?.code}`)
console.log(`a message to her: ${await grace!.channel.send(bytes('hello?')).catch((error) => error.code)}`)

for (const { name, channel } of [ada!, edith!]) {
  await channel.send(bytes(`hello ${name}`))
  console.log(`${name} answers: ${text(await channel.receive())}`)
  await channel.close()
}
await listener.close()
