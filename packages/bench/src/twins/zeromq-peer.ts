import { Dealer } from 'zeromq'
import { isQuestion, readPayload, writePayload } from '../payload.js'

/** Argument: the address. An empty message ends it, and so does the end of its stdin: its parent is gone. */
process.stdin.once('end', () => process.exit(1)).resume()
const dealer = new Dealer({ linger: 0 })
dealer.connect(process.argv[2]!)
await dealer.send('')
for await (const [message] of dealer) {
  if (message!.length === 0) break
  const byte = readPayload(message!, message!.length)
  if (!isQuestion(byte)) continue
  // Sent without a copy when it is large, so each answer is one of its own.
  const answer = new Uint8Array(message!.length)
  writePayload(answer, byte)
  await dealer.send(answer)
}
dealer.close()
process.exit()
