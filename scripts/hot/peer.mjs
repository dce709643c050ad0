// The other end of the channel that neighbours.mjs and endurance.mjs keep hot, in a process of its own.

import { setImmediate as turn } from 'node:timers/promises'
import { answerQuestions } from '../../packages/bench/dist/index.js'
import { parentChannel } from '../../packages/strait/dist/index.js'
import { PeerCrowd } from './crowd.mjs'
import { sample } from './sample.mjs'
import { jsonOf, put, Wish, wish, wishWith } from './wishes.mjs'

/** How many messages of a flood leave between two turns of the event loop, in which a message can come. */
const PER_TURN = 256

const channel = await parentChannel()
const crowd = new PeerCrowd()
let message = await channel.receive()
while (message !== undefined) {
  const [kind] = message
  if (kind === Wish.nothing) {
    message = channel.tryReceive() ?? (await channel.receive())
    continue
  }
  if (kind === Wish.answer) await put(channel, message)
  else if (kind === Wish.flood) await flood()
  else if (kind === Wish.sample) await channel.send(wishWith(Wish.sample, await sample()))
  else if (kind === Wish.rounds) await answerQuestions(channel)
  else if (kind === Wish.compute) await compute(jsonOf(message))
  else await crowd.follow(jsonOf(message), channel)
  message = await channel.receive()
}
await channel.close()

async function flood() {
  const drop = wish(Wish.nothing)
  while (channel.tryReceive() === undefined) {
    for (let count = 0; count < PER_TURN; count++) {
      const room = put(channel, drop)
      if (room !== undefined) await room
    }
    await turn()
  }
  await channel.send(wish(Wish.answer))
}

async function compute(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
  await channel.send(wish(Wish.answer))
}
