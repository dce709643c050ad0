// Round trips of 64 bytes over a lane, and at each end, when it is warm, so many of them between two system calls that
// a tracer sees: access(2) of two paths that are not there.
//
//   node traced-lane.mjs URL hot|sync ROUNDS
import { existsSync } from 'node:fs'
import { parentChannel, spawnPeer } from 'strait'
import { answerQuestions, peerLane } from '../../dist/index.js'

const WARM_UP = 100
/** The bit of a payload that asks for an answer. */
const ASKS = 0x80

const mark = (end, what) => existsSync(`/strait-mark/${end}/${what}`)

async function ask(url, mode, rounds) {
  const peer = await spawnPeer(url, new URL(import.meta.url), { args: ['peer', mode, String(rounds)] })
  const lane = peerLane(peer, 64)
  const message = new Uint8Array(64).fill(ASKS)
  const exchange = mode === 'sync' ? (count) => block(peer.channel, message, count) : awaitAnswers
  await exchange(WARM_UP)
  mark('asker', 'begin')
  await exchange(rounds)
  mark('asker', 'end')
  await lane.close()

  async function awaitAnswers(count) {
    for (let round = 0; round < count; round++) check(await lane.ask(message))
  }
}

function block(channel, message, count) {
  for (let round = 0; round < count; round++) {
    channel.sendSync(message)
    check(channel.receiveSync())
  }
}

function check(answer) {
  if (answer?.length !== 64 || answer[0] !== 0) throw new Error('not the answer')
}

async function answer(mode, rounds) {
  const channel = await parentChannel()
  if (mode === 'hot') return answerQuestions(markAnswers(channel, 'trySend', rounds))
  markAnswers(channel, 'sendSync', rounds)
  for (let question = channel.receiveSync(); question !== undefined; question = channel.receiveSync()) {
    channel.sendSync(question.fill(0))
  }
}

/** Marks the answer that ends the warm-up, and the last one. */
function markAnswers(channel, method, rounds) {
  const send = channel[method].bind(channel)
  let answers = 0
  channel[method] = (message) => {
    const taken = send(message)
    answers++
    if (answers === WARM_UP) mark('peer', 'begin')
    if (answers === WARM_UP + rounds) mark('peer', 'end')
    return taken
  }
  return channel
}

const [url, mode, count] = process.argv.slice(2)
await (url === 'peer' ? answer(mode, Number(count)) : ask(url, mode, Number(count)))
