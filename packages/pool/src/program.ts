// What a worker runs.
import { isMainThread } from 'node:worker_threads'
import { json, StraitError } from '@strait/core'
import { endWithParent, supported } from '@strait/posix'
import { serve } from '@strait/rpc'
import { toWire } from '@strait/rpc/caller'
import { parentChannel } from 'strait'
import { Claims } from './claims.js'
import type { Readiness, Settings } from './settings.js'
import { values } from './values.js'

if (isMainThread) {
  // Of a terminal all processes get it; the pool decides what comes of its workers.
  process.on('SIGINT', () => {})
  // A busy worker does not hear its lifeline. A pool that had died before this is not there for the handshake.
  if (supported) endWithParent()
}

const channel = await parentChannel()
const first = await channel.receive()
if (first !== undefined) {
  const settings: Settings = json.decode(first)
  let functions: object | undefined
  const claims = settings.claims === undefined ? undefined : Claims.open(settings.claims)
  let readiness: Readiness = { claims: claims !== undefined }
  try {
    functions = await import(settings.entry)
  } catch (error) {
    readiness = { error: toWire(error) }
  }
  await channel.send(json.encode(readiness))
  if (functions !== undefined) {
    const claim = claims && ((call: number) => claims.claim(call))
    const failure = await serve(channel, functions, { codec: values, concurrency: 1, timed: true, claim })
      .done
    // Of a pool that has died nobody needs to hear.
    if (failure !== undefined && !StraitError.is(failure, 'RESET')) throw failure
  }
}
await channel.close()
// Whatever else the module has going on.
process.exit()
