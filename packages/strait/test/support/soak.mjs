/** Messages of random sizes, cut out of one pool of random bytes; the same for the same seed in every process. */

const LARGEST = 1024 * 1024
const POOL = 4 * LARGEST

function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

function* messages(seed, bytes, longest) {
  const next = random(seed)
  const pool = new Uint8Array(new Uint32Array(POOL / 4).map(next).buffer)
  for (let sum = 0; sum < bytes; ) {
    // Every power of two is as frequent, so that small ones are many and large ones carry the weight.
    const length = Math.min(
      Math.floor(2 ** (next() % 21) * (1 + (next() % 1024) / 1024)) - 1,
      longest,
      bytes - sum,
    )
    const from = next() % (POOL - LARGEST)
    sum += length
    yield pool.subarray(from, from + length)
  }
}

/** Sends all of one seed's messages and compares what comes with the other's, both at once; then closes. */
export async function talk(channel, bytes, sendSeed, receiveSeed) {
  const longest = Math.min(LARGEST, channel.capabilities.maxMessageSize)
  const sending = (async () => {
    let count = 0
    for (const message of messages(sendSeed, bytes, longest)) {
      count++
      if (!channel.trySend(message)) await channel.send(message)
    }
    return count
  })()
  const receiving = (async () => {
    let count = 0
    for (const expected of messages(receiveSeed, bytes, longest)) {
      const message = await channel.receive()
      count++
      if (message === undefined) throw new Error(`message ${count} is missing`)
      if (Buffer.compare(message, expected) !== 0) throw new Error(`message ${count} is another one`)
    }
    return count
  })()
  const [sent, received] = await Promise.all([sending, receiving])
  return { sent, received }
}
