import assert from 'node:assert/strict'
import { json, spawnPeer, typed } from 'strait'

const expected = [89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765]
const urls = process.argv.length > 2 ? process.argv.slice(2) : ['unix:']

for (const url of urls) {
  const peers = await Promise.all(expected.map(() => spawnPeer(url, new URL('./worker.js', import.meta.url))))
  const workers = peers.map(({ channel }) => typed(channel, json))
  const pids = await Promise.all(workers.map((worker) => worker.receive())) // all ten are alive
  await Promise.all(workers.map((worker, index) => worker.send(10 + index)))
  const results = await Promise.all(workers.map((worker) => worker.receive()))
  await Promise.all(peers.map((peer) => peer.close()))
  for (const index of pids.keys()) console.log(`${url} ${pids[index]} fib(${10 + index}) = ${results[index]}`)
  assert.deepEqual(results, expected)
}
