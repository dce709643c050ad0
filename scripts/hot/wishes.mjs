/**
 * What the first byte of a message asks the peer for; see peer.mjs.
 *
 * - `nothing`: it is read, that is all.
 * - `answer`: the same message back.
 * - `flood`: messages as fast as they leave, until another message comes; then one of the kind `answer`.
 * - `sample`: what the peer's process has, as JSON.
 * - `rounds`: answers as a lane of the bench does, until an empty message.
 * - `compute`: nothing else for so many ms, as JSON; then an answer.
 * - `crowd`: the peer's ends of idle channels; JSON follows. See crowd.mjs.
 */
export const Wish = { nothing: 0, answer: 1, flood: 2, sample: 3, rounds: 4, compute: 5, crowd: 6 }

export function wish(kind, size = 64) {
  const message = new Uint8Array(size)
  message[0] = kind
  return message
}

export function wishWith(kind, value) {
  return Buffer.concat([wish(kind, 1), Buffer.from(JSON.stringify(value))])
}

export const jsonOf = (message) => JSON.parse(Buffer.from(message.subarray(1)).toString())

/** Sends without a promise where there is room. */
export function put(channel, message) {
  return channel.trySend(message) ? undefined : channel.send(message)
}

/** A question and its answer. */
export async function ask(channel, message) {
  if (!channel.trySend(message)) await channel.send(message)
  const answer = await channel.receive()
  if (answer === undefined) throw new Error('the peer has closed the channel')
  return answer
}
