// Listens at the URL of its first argument. For each line on its standard input it takes one channel, says `ready`, does
// what the line names until the channel ends, and says how it has ended: the code of the error, or `end`.
import { createInterface } from 'node:readline'
import { sem } from '@strait/transport-sem'

const message = new Uint8Array(100).fill(1)

const victims = {
  receiveSync(channel) {
    while (channel.receiveSync() !== undefined);
  },
  sendSync(channel) {
    for (;;) channel.sendSync(message)
  },
  async receive(channel) {
    for await (const _ of channel);
  },
  async send(channel) {
    for (;;) await channel.send(message)
  },
}

const listener = await sem.listen(new URL(process.argv[2]), { maxMessageSize: 100_000 })
console.log('listening')
for await (const line of createInterface({ input: process.stdin })) {
  const channel = await listener.accept()
  console.log('ready')
  const outcome = await Promise.all(line.split(' ').map(async (name) => victims[name](channel))).then(
    () => 'end',
    (error) => error.code ?? error.stack,
  )
  channel.abort()
  console.log(outcome)
}
await listener.close()
