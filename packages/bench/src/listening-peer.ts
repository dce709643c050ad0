import { randomBytes } from 'node:crypto'
import { listen } from 'strait'
import type { Meeting } from './connections.js'
import { answerQuestions } from './strait-lane.js'

/** Argument: the address. Tells its parent where it listens, and ends with it. */
const key = new Uint8Array(randomBytes(32))
const listener = await listen(process.argv[2]!, { key })
process.once('disconnect', () => process.exit())
process.send!({ address: listener.url.href, key } satisfies Meeting)
for await (const channel of listener) void answerQuestions(channel).then(() => channel.close())
