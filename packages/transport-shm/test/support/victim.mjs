// Listens at the URL of its first argument. For each line on its standard input it takes one channel, says `ready`, does
// what the line names until the channel ends, and says how it has ended: the code of the error, or `end`.
import { createInterface } from 'node:readline'
import { shm } from '@strait/transport-shm'

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
  async receiveLease(channel) {
    for (;;) {
      const lease = await channel.receiveLease()
      if (lease === undefined) return
      // Perhaps it has ended meanwhile, and the bytes with it.
      if (channel.state !== 'closed') lease.bytes.slice()
      lease.release()
    }
  },
  async claim(channel) {
    for (;;) {
      const claim = await channel.claim(100)
      if (channel.state !== 'closed') claim.bytes.fill(1)
      claim.commit(claim.bytes.length >> 1)
    }
  },
}

const listener = await shm.listen(new URL(process.argv[2]), { maxMessageSize: 100_000 })
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
