import { type LinkEvents, NO_EVENTS, type PacketLink } from '../../src/link.js'

/** Packets between two ends in this process, each of which the test can see and make. */
export class ScriptedPackets implements PacketLink {
  events: LinkEvents = NO_EVENTS
  readonly maxPacketSize: number
  kind = 0
  /** How many more packets `write` takes. */
  room = Number.POSITIVE_INFINITY
  pending = false
  destroyed = 0
  readonly waits: { reading: boolean; writing: boolean }[] = []
  readonly inbox: Uint8Array[] = []
  peer!: ScriptedPackets

  /** A packet is here the byte of its kind and the payload. */
  private constructor(packetSize: number) {
    this.maxPacketSize = packetSize - 1
  }

  static pair(packetSize = 16 * 1024): [ScriptedPackets, ScriptedPackets] {
    const ends: [ScriptedPackets, ScriptedPackets] = [
      new ScriptedPackets(packetSize),
      new ScriptedPackets(packetSize),
    ]
    ends[0].peer = ends[1]
    ends[1].peer = ends[0]
    return ends
  }

  look?(patiently: boolean): Uint8Array | undefined

  read(): Uint8Array | undefined {
    const packet = this.inbox.shift()
    if (packet !== undefined) this.kind = packet[0]!
    return packet?.subarray(1)
  }

  write(kind: number, body: Uint8Array, prefix = new Uint8Array(0)): boolean {
    if (prefix.length + body.length > this.maxPacketSize) throw new Error('the packet is too long')
    if (this.room === 0) return false
    this.room--
    this.put(Uint8Array.of(kind, ...prefix, ...body))
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
