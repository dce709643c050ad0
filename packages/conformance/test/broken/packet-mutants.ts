import {
  BaseChannel,
  type ChannelOptions,
  checkOptions,
  Kind,
  type LinkEvents,
  mem,
  NO_EVENTS,
  type PacketLink,
  packeted,
  type Transport,
} from '@strait/core'
import type { Mutant } from './mutants.js'

/** Bytes of a packet, and how many packets a queue holds. */
const PACKET = 4096
const CAPACITY = 64

type Queue = Uint8Array[]

/** What becomes of a packet on its way into the other end's queue. */
type Spoil = (queue: Queue, packet: Uint8Array) => void

/** One end of two queues of packets in this process. */
class MemPackets implements PacketLink {
  events: LinkEvents = NO_EVENTS
  readonly maxPacketSize = PACKET - 1
  kind = 0
  readonly inbox: Queue = []
  peer!: MemPackets
  #refused = false
  #hungUp = false
  #ended = false
  readonly #spoil: Spoil

  constructor(spoil: Spoil) {
    this.#spoil = spoil
  }

  read(): Uint8Array | undefined {
    const packet = this.inbox.shift()
    if (packet !== undefined) {
      if (this.#refused) queueMicrotask(() => this.peer.events.writable())
      this.#refused = false
    } else if (this.#hungUp && !this.#ended) {
      this.#ended = true
      this.events.end()
    }
    if (packet !== undefined) this.kind = packet[0]!
    return packet?.subarray(1)
  }

  write(kind: number, body: Uint8Array, prefix = new Uint8Array(0)): boolean {
    const { peer } = this
    if (this.#hungUp) return false
    if (peer.inbox.length >= CAPACITY) {
      peer.#refused = true
      return false
    }
    this.#spoil(peer.inbox, Uint8Array.of(kind, ...prefix, ...body))
    queueMicrotask(() => peer.events.readable())
    return true
  }

  destroy(): void {
    const { peer } = this
    this.#hungUp = true
    if (peer.#hungUp) return
    peer.#hungUp = true
    queueMicrotask(() => peer.events.readable())
  }

  ref(): void {}
  unref(): void {}
}

/** A transport over packets, which a spoiler may change on their way. */
export function packetMem(spoil: Spoil = (queue, packet) => queue.push(packet)): Transport<BaseChannel> {
  const capabilities = { ...mem.capabilities, maxMessageSize: 2 ** 20 }
  return {
    schemes: ['mem'],
    capabilities,
    async pair(options: ChannelOptions = {}) {
      checkOptions(options)
      const url = new URL('mem:')
      const ends = [new MemPackets(spoil), new MemPackets(spoil)] as const
      ends[0].peer = ends[1]
      ends[1].peer = ends[0]
      const limited = { maxMessageSize: 2 ** 20, ...options }
      const links = await Promise.all([
        packeted(ends[0], 'listen', url, limited),
        packeted(ends[1], 'connect', url, limited),
      ])
      const [a, b] = links.map((link) => new BaseChannel(link, { url, capabilities }))
      return [a!, b!]
    },
  }
}

let nearlyFull = 0

const EVERYTHING = ['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8', 'C9', 'C11']

export const PACKET_MUTANTS: Mutant[] = [
  {
    name: 'swaps two parts of one message',
    breaks: 'C1',
    implies: EVERYTHING,
    transport: packetMem((queue, packet) => {
      const last = queue.at(-1)
      if (last?.[0] === Kind.MORE && packet[0] === Kind.MORE && last.length === packet.length)
        queue.splice(-1, 0, packet)
      else queue.push(packet)
    }),
  },
  {
    name: 'merges small packets',
    breaks: 'C1',
    implies: EVERYTHING,
    transport: packetMem((queue, packet) => {
      const last = queue.at(-1)
      const small = packet.length > 1 && last !== undefined && last.length + packet.length < PACKET
      if (small && last[0] === Kind.DATA && packet[0] === Kind.DATA)
        queue[queue.length - 1] = new Uint8Array([...last, ...packet.subarray(1)])
      else queue.push(packet)
    }),
  },
  {
    name: 'cuts the longest packets',
    breaks: 'C1',
    implies: EVERYTHING,
    transport: packetMem((queue, packet) => queue.push(packet.subarray(0, PACKET - 1))),
  },
  {
    name: 'drops packets when it is nearly full',
    breaks: 'C4',
    implies: EVERYTHING,
    transport: packetMem((queue, packet) => {
      // Every other one, so that it is full in the end.
      const drops = queue.length === CAPACITY - 1 && packet[0] === Kind.DATA && ++nearlyFull % 2 === 1
      if (!drops) queue.push(packet)
    }),
  },
  {
    name: 'lets short packets overtake',
    breaks: 'C2',
    implies: EVERYTHING,
    transport: packetMem((queue, packet) => {
      const last = queue.at(-1)
      if (packet[0] === Kind.DATA && packet.length < 5 && last?.[0] === Kind.DATA) queue.splice(-1, 0, packet)
      else queue.push(packet)
    }),
  },
]
