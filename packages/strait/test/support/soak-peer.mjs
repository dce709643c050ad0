import { parentChannel } from 'strait'
import { talk } from './soak.mjs'

const [bytes] = process.argv.slice(2).map(Number)
const channel = await parentChannel()
await talk(channel, bytes, 2, 1)
await channel.close()
