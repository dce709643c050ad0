import { connect, json, typed } from 'strait'

const channel = typed(await connect(process.argv[2] ?? 'unix:/tmp/strait-talk.sock'), json)
await channel.send({ a: 2, b: 3 })
console.log(await channel.receive())
await channel.close()
