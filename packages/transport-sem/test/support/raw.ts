import { greetInPackets, Kind, type LinkEvents, NO_EVENTS } from '@strait/core'
import { native, SharedMemory } from '@strait/posix'
import { confirmObjects, connectControl, receiveObjects, type SocketPackets } from '@strait/rendezvous'

// The memory as packages/posix/native/slots.cc draws it, in words of 4 bytes. The connecting end puts into the second
// direction.
export const DIRECTION = 65_792
export const IN = 0
export const OUT = DIRECTION / 4
export const SPACES = 0
export const ITEMS = 16
const SLOTS = 32
const SLOT = 4104 / 4

const system = native()

/** An end that has greeted as it should, and then writes into the memory whatever it is told to. */
export class RawEnd {
  readonly memory: SharedMemory
  readonly words: Uint32Array
  /** The other end has hung up. */
  readonly gone: Promise<void>
  readonly #control: SocketPackets
  #put = 0

  private constructor(control: SocketPackets, memory: SharedMemory) {
    this.#control = control
    this.memory = memory
    this.words = memory.view(Uint32Array)
    this.gone = new Promise((resolve) => {
      const events: LinkEvents = {
        ...NO_EVENTS,
        // Nothing comes, but for the end.
        readable: () => {
          while (control.read() !== undefined);
        },
        end: () => resolve(),
      }
      control.events = events
      process.nextTick(events.readable)
    })
  }

  static async connect(url: URL): Promise<RawEnd> {
    const { packets: control } = connectControl(url, {})
    await greetInPackets(control, 'connect', url, {})
    const { descriptors } = await receiveObjects(control, 1, url, {})
    const memory = SharedMemory.fromDescriptor(descriptors[0]!)
    confirmObjects(control)
    return new RawEnd(control, memory)
  }

  /** Puts a packet as it should be; -EAGAIN: there is no space. */
  send(kind: Kind, payload: Uint8Array): number {
    return system.slotsPut(this.memory.region, 1, this.#put++, kind, payload)
  }

  /** Writes the head of the next slot that the other end will take. */
  head(filled: number, kind: number = Kind.DATA): void {
    const at = OUT + SLOTS + (this.#put++ % 16) * SLOT
    this.words[at] = filled
    this.words[at + 1] = kind
  }

  /** Gives a permit that stands for nothing, and wakes who waits for it. */
  give(at: number): void {
    // As glibc does it, which wakes whoever is counted; the words beside are as we have found them.
    system.semPost(this.memory.region, at * 4, 1)
  }

  /** Says something on the socket. */
  say(): void {
    system.send(this.#control.descriptor, Uint8Array.of(Kind.DATA))
  }

  close(): void {
    this.memory.close()
    this.#control.destroy()
  }
}
