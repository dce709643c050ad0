// Idle channels, many of them: every end waits to receive and nobody sends. With addresses, one end of each is here and
// the other in the peer; of a transport that has none, both processes have pairs of their own.

import { connect, listen, loadTransport, schemeOf } from '../../packages/strait/dist/index.js'
import { ask, Wish, wishWith } from './wishes.mjs'

/** This process's ends. */
export class Crowd {
  /** Undefined: channels of this scheme cannot be opened but by starting a process for each. */
  static async of(url, channel) {
    const transport = await loadTransport(schemeOf(url))
    const { privateAddress, pair } = transport
    if (privateAddress === undefined && pair === undefined) return undefined
    return new Crowd(channel, transport)
  }

  #channel
  #transport
  #ends = []

  constructor(channel, transport) {
    this.#channel = channel
    this.#transport = transport
  }

  /** Resolves when both processes have so many ends. */
  async open(count) {
    const { privateAddress, schemes } = this.#transport
    const order = { count, scheme: schemes[0], address: privateAddress?.().href }
    const where = await ask(this.#channel, wishWith(Wish.crowd, order))
    const address = Buffer.from(where.subarray(1)).toString()
    if (address === '') this.#ends = await pairs(this.#transport, count)
    else for (let opened = 0; opened < count; opened++) this.#ends.push(await connect(address))
    for (const end of this.#ends) void end.receive()
    // The peer has accepted all of them.
    await this.#channel.receive()
  }

  /** Resolves when both processes have none. */
  async close() {
    await Promise.all(this.#ends.map((end) => end.close()))
    this.#ends = []
    await ask(this.#channel, wishWith(Wish.crowd, { count: 0 }))
  }
}

/** The peer's ends. */
export class PeerCrowd {
  #listener
  #ends = []

  /** Says where to connect, nowhere if there are pairs, and when all ends are there; or when all are closed. */
  async follow({ count, scheme, address }, channel) {
    if (count === 0) {
      await Promise.all(this.#ends.map((end) => end.close()))
      await this.#listener?.close()
      this.#ends = []
      this.#listener = undefined
    } else {
      if (address !== undefined) this.#listener = await listen(address)
      const where = Buffer.from(this.#listener?.url.href ?? '')
      await channel.send(Buffer.concat([Buffer.of(Wish.crowd), where]))
      if (this.#listener === undefined) this.#ends = await pairs(await loadTransport(scheme), count)
      else while (this.#ends.length < count) this.#ends.push(await this.#listener.accept())
    }
    for (const end of this.#ends) void end.receive()
    await channel.send(Buffer.of(Wish.crowd))
  }
}

async function pairs({ pair }, count) {
  const ends = []
  while (ends.length < count) ends.push(...(await pair()))
  return ends
}
