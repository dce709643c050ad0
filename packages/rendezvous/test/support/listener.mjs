// Listens at the URL of its first argument and sends back whatever comes. Says `ready`, and the code of each refusal.
import { subscribe } from 'node:diagnostics_channel'
import { BaseChannel, mem, packeted } from '@strait/core'
import { listenAt } from '@strait/rendezvous'

const url = new URL(process.argv[2])
subscribe('strait:listener:refuse', ({ error }) => console.log(error.code))
const listener = await listenAt(url, {}, async (packets, peer) => {
  const link = await packeted(packets, 'listen', url, {})
  return new BaseChannel(link, { url, capabilities: mem.capabilities, peer })
})
// Ends with the test that started it.
process.stdin.on('end', () => process.exit()).resume()
console.log('ready')

for await (const channel of listener) {
  void (async () => {
    for await (const message of channel) await channel.send(message)
    await channel.close()
  })().catch(() => {})
}
