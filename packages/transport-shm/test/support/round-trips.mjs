// Makes so many round trips (the second argument) with a process of its own over an address like the first; with a third
// argument both threads block. Says in JSON what both ends have to show for it.
import { spawnPeer } from '@strait/core/node'
import { shm } from '@strait/transport-shm'

const [, , address, rounds, ...blocking] = process.argv

const started = await spawnPeer(shm, address, new URL('./echo.mjs', import.meta.url), {
  args: blocking,
})
const { channel } = started
const exchange = async (message) => {
  if (blocking.length === 0) {
    await channel.send(message)
    return channel.receive()
  }
  channel.sendSync(message)
  return channel.receiveSync()
}

let wrong = 0
for (let i = 0; i < Number(rounds); i++) {
  const answer = await exchange(Uint8Array.of(i, i >>> 8))
  if (answer.length !== 2 || answer[0] !== (i & 255) || answer[1] !== i >>> 8) wrong++
}
const peer = JSON.parse(Buffer.from(await exchange(Buffer.from('stats'))).toString())
console.log(JSON.stringify({ wrong, here: channel.stats(), peer }))
await started.close()
