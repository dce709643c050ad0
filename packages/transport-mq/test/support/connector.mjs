// Connects to the URL of its first argument, then on `receive` reads and on `send` writes more than a queue holds, and
// says `turning` as soon as its event loop is free again.
import { createInterface } from 'node:readline'
import { mq } from '@strait/transport-mq'

const channel = await mq.connect(new URL(process.argv[2]))
channel.closed.then(({ error }) => console.log(error?.code ?? 'closed'))
console.log('connected')
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'receive') channel.receive().catch(() => {})
  else channel.send(new Uint8Array(1024 * 1024)).catch(() => {})
  setImmediate(() => console.log('turning'))
}
process.exit()
