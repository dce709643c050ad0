import { type BaseChannelOptions, BlockingChannel, type Link, type WaitOptions } from '@strait/core'
import { native } from '@strait/posix'
import type { SocketPackets } from '@strait/rendezvous'

/** The channel of `seqpacket:`, whose messages can carry descriptors of open files; unix(7), SCM_RIGHTS. */
export class SeqpacketChannel extends BlockingChannel {
  readonly #packets: SocketPackets

  constructor(link: Link, packets: SocketPackets, options: BaseChannelOptions) {
    super(link, options)
    this.#packets = packets
  }

  /**
   * Sends a message and descriptors with it. The peer must have allowed that many (`maxDescriptors`), or it ends the
   * channel as `CORRUPT`; it finds them with `takeDescriptors`.
   *
   * - Order, Abort, Errors: those of `send`. Also `RangeError`: more than 253 descriptors, none, one that is not open, or
   *   a message that does not fit into one packet of 32 KiB.
   * - Ownership: the descriptors stay the caller's, who may close them when the promise settles.
   */
  async sendDescriptors(
    descriptors: readonly number[],
    message: Uint8Array = new Uint8Array(0),
    options?: WaitOptions,
  ): Promise<void> {
    const longest = this.#packets.maxPacketSize
    if (descriptors.length === 0 || descriptors.length > MOST_DESCRIPTORS)
      throw new RangeError(
        `1 to ${MOST_DESCRIPTORS} descriptors travel with a message, got ${descriptors.length}`,
      )
    const shut = descriptors.find((each) => !Number.isInteger(each) || native().statusFlags(each) < 0)
    if (shut !== undefined) throw new RangeError(`${shut} is no open descriptor`)
    if (message.length > longest)
      throw new RangeError(`a message with descriptors has at most ${longest} bytes, got ${message.length}`)
    // Its own view, so that the same bytes may be sent with and without.
    const body = message.subarray()
    this.#packets.attachDescriptors(body, descriptors)
    try {
      await this.send(body, options)
    } finally {
      this.#packets.detachDescriptors(body)
    }
  }

  /**
   * The descriptors that came with a message, empty when none did; once.
   *
   * - Ownership: the caller's, who closes them. Those that nobody takes are closed with the channel; a peer that sends
   *   on while 64 are not taken, or twice `maxDescriptors` where that is more, ends it as `CORRUPT`.
   */
  takeDescriptors(message: Uint8Array): number[] {
    return this.#packets.takeDescriptors(message)
  }
}

/** The kernel passes no more with one message; SCM_MAX_FD. */
export const MOST_DESCRIPTORS = 253
