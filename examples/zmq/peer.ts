import { zmqTcp } from '@strait/transport-zmq'

const [, , url, serverKey, key, name] = process.argv
const channel = await zmqTcp.connect(new URL(url!), { curve: { serverKey: serverKey! }, key: key! })
await channel.send(new TextEncoder().encode(name))
for await (const message of channel) await channel.send(message)
process.disconnect()
