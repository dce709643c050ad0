import { Dealer } from 'zeromq'
import { Responder } from '../payload.js'

/** Argument: the address. A message of two parts ends it, and so does the end of its stdin: its parent is gone. */
process.stdin.once('end', () => process.exit(1)).resume()
const dealer = new Dealer({ linger: 0 })
dealer.connect(process.argv[2]!)
await dealer.send('')
// Sent without a copy when they are large, so each answer is one of its own.
const responder = new Responder(() => false)
for await (const [message, end] of dealer) {
  if (end !== undefined) break
  const answer = responder.answer(message!)
  if (answer !== undefined) await dealer.send(answer)
}
dealer.close()
process.exit()
