import { type BaseChannelOptions, BlockingChannel, type Link } from '@strait/core'
import type { RingPackets } from './ring-packets.js'

/** What the waiting of one end has cost, and what has passed through it, since the channel was made. */
export interface ShmStats {
  /** Looks in place, one behind the other. */
  readonly spins: number
  /** Turns of the event loop that looked and found nothing. */
  readonly polls: number
  /** How often this end went to sleep. */
  readonly parks: number
  /** How often the other end has woken it. */
  readonly wakeUps: number
  /** Records: a message that is longer than half of the ring is several. */
  readonly sentRecords: number
  readonly receivedRecords: number
  readonly sentBytes: number
  readonly receivedBytes: number
}

/** The channel of `shm:`. */
export class ShmChannel extends BlockingChannel {
  readonly #packets: RingPackets

  constructor(link: Link, packets: RingPackets, options: BaseChannelOptions) {
    super(link, options)
    this.#packets = packets
  }

  /** What waiting has cost so far, and what has passed. All zeros once the channel is closed. */
  stats(): ShmStats {
    const [
      spins = 0,
      polls = 0,
      parks = 0,
      wakeUps = 0,
      sentRecords = 0,
      receivedRecords = 0,
      sentBytes = 0,
      receivedBytes = 0,
    ] = this.#packets.stats()
    return { spins, polls, parks, wakeUps, sentRecords, receivedRecords, sentBytes, receivedBytes }
  }
}
