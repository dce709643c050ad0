// One stage of a chain of so many more: passes every message on with its pid behind it, and the answer back. Says on its
// standard output how its end towards its parent ended, also where it ends because the parent is gone.
import { writeSync } from 'node:fs'
import { parentChannel, spawnPeer } from '@strait/core/node'
import { pipe } from '@strait/transport-pipe'

const more = Number(process.argv[2])
const upstream = await parentChannel(async () => pipe)
const next =
  more === 0
    ? undefined
    : await spawnPeer(pipe, 'pipe:', new URL(import.meta.url), { args: [String(more - 1)] })

process.once('exit', () => {
  let end = 'clean'
  try {
    while (upstream.receiveSync({ timeout: 10_000 }) !== undefined);
  } catch (error) {
    end = error.code
  }
  writeSync(1, `${more} ${end}\n`)
})

for await (const message of upstream) {
  const text = `${new TextDecoder().decode(message)} ${process.pid}`
  let answer = new TextEncoder().encode(text)
  if (next !== undefined) {
    answer = await next.channel
      .send(answer)
      .then(() => next.channel.receive())
      .catch((error) => new TextEncoder().encode(error.code))
  }
  await upstream.send(answer)
}
await next?.close().catch(() => {})
