import { type LinkEvents, NO_EVENTS, type PacketLink } from '../../src/link.js'

/** Packets between two ends in this process, each of which the test can see and make. */
export class ScriptedPackets implements PacketLink {
  events: LinkEvents = NO_EVENTS
  readonly maxPacketSize: number
  /** How many more packets `write` takes. */
  room = Number.POSITIVE_INFINITY
  destroyed = 0
  readonly waits: { reading: boolean; writing: boolean }[] = []
  readonly inbox: Uint8Array[] = []
  peer!: ScriptedPackets

  private constructor(maxPacketSize: number) {
    this.maxPacketSize = maxPacketSize
  }

  static pair(maxPacketSize = 16 * 1024): [ScriptedPackets, ScriptedPackets] {
    const ends: [ScriptedPackets, ScriptedPackets] = [
      new ScriptedPackets(maxPacketSize),
      new ScriptedPackets(maxPacketSize),
    ]
    ends[0].peer = ends[1]
    ends[1].peer = ends[0]
    return ends
  }

  read(): Uint8Array | undefined {
    return this.inbox.shift()
  }

  write(head: Uint8Array, body: Uint8Array): boolean {
    if (head.length + body.length > this.maxPacketSize) throw new Error('the packet is too long')
    if (this.room === 0) return false
    this.room--
    this.put(Uint8Array.of(...head, ...body))
    return true
  }

  /** Puts a packet before the other end, whatever it is. */
  put(packet: Uint8Array): void {
    this.peer.inbox.push(packet)
    // Never from inside `write`.
    queueMicrotask(() => this.peer.events.readable())
  }

  /** Room for so many more. */
  open(room: number): void {
    this.room = room
    this.events.writable()
  }

  wait(reading: boolean, writing: boolean): void {
    this.waits.push({ reading, writing })
  }

  destroy(): void {
    this.destroyed++
  }

  ref(): void {}
  unref(): void {}
}
