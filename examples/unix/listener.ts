import { listen, parentChannel } from 'strait'

const parent = await parentChannel()
await listen(process.argv[2]!)
await parent.send(new Uint8Array())
