import { json, merge, spawnPeer } from 'strait'

// Three peers, each of which says three things. The last one does not live to say them all.
const peers = await Promise.all(
  ['one', 'two', 'broken'].map((name) =>
    spawnPeer('unix:', new URL('./child.js', import.meta.url), { args: [name] }),
  ),
)

const heard = new Map(peers.map(({ channel }) => [channel as object, [] as unknown[]]))
for await (const { channel, message, error } of merge(peers.map((peer) => peer.channel))) {
  heard.get(channel)!.push(error === undefined ? json.decode(message) : error.code)
}

for (const said of heard.values()) console.log(said.join(', '))
await Promise.all(peers.map((peer) => peer.close()))
