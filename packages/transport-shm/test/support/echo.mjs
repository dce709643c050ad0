// Sends back to its parent what it gets; what it sends back for `stats` are its own. With an argument it blocks its thread.
import { parentChannel } from '@strait/core/node'
import { shm } from '@strait/transport-shm'

const channel = await parentChannel(async () => shm)

const answer = (message) => {
  if (Buffer.from(message).toString() !== 'stats') return message
  return Buffer.from(JSON.stringify({ url: channel.url.href, ...channel.stats() }))
}

if (process.argv.length > 2) {
  for (let message = channel.receiveSync(); message !== undefined; message = channel.receiveSync())
    channel.sendSync(answer(message))
} else {
  for await (const message of channel) await channel.send(answer(message))
}
await channel.close()
