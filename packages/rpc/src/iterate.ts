import type { Call } from './call.js'
import { Kind } from './frame.js'
import { iteratorOf } from './functions.js'
import type { Line } from './line.js'

/**
 * Sends what a handler yields, as fast as whoever iterates allows and takes it. Resolves at the end, or when nobody wants
 * more, and the handler has left its loop.
 *
 * - Errors: what the handler throws; the codec's; `TypeError` it yields nothing.
 */
export async function sendValues(line: Line, call: Call, result: unknown): Promise<void> {
  const iterator = iteratorOf(await result)
  if (iterator === undefined) throw new TypeError(`${call.name} does not yield values; call it`)
  let hasMore = true
  try {
    for (;;) {
      await call.allowed()
      if (call.cancelled !== undefined) return
      hasMore = false
      const { done, value } = await call.run(() => iterator.next())
      if (done) return
      hasMore = true
      line.putValue(Kind.ITEM, call.frame.call, value)
      await line.room()
    }
  } finally {
    if (hasMore) await iterator.return?.()
  }
}
