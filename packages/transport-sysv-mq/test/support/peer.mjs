// Connects to the URL of its first argument, sends so many messages, and then does nothing until it is killed.
import { sysvMq } from '@strait/transport-sysv-mq'

const channel = await sysvMq.connect(new URL(process.argv[2]))
for (let index = 0; index < Number(process.argv[3]); index++) await channel.send(Uint8Array.of(index))
console.log('sent')
process.stdin.resume()
