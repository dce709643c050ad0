import { greetInPackets, Kind, type LinkEvents, NO_EVENTS } from '@strait/core'
import { native, SharedMemory } from '@strait/posix'
import { confirmObjects, connectControl, receiveObjects, type SocketPackets } from '@strait/rendezvous'
import { until } from './ends.js'

// The memory as packages/posix/native/ring.h draws it.
const READER_SLEEPS = 128
const WRITER_SLEEPS = 256
const RECORDS = 384
const HEADER = 8
export const PADDING = 0xffffffff

/** The payload that still fits into one record. */
export const longestRecord = (capacity: number): number => capacity / 2 - 16

/** An end that has greeted as it should, and then writes into the memory and on the socket whatever it is told to. */
export class RawEnd {
  readonly memory: SharedMemory
  readonly capacity: number
  /** The other end has hung up. */
  readonly gone: Promise<void>
  readonly #control: SocketPackets
  readonly #view: DataView
  readonly #words: Uint32Array
  /** Of what this end has written, in bytes since the beginning. */
  position = 0

  private constructor(control: SocketPackets, memory: SharedMemory, capacity: number) {
    this.#control = control
    this.memory = memory
    this.capacity = capacity
    this.#view = memory.view(DataView)
    this.#words = memory.view(Uint32Array)
    this.gone = new Promise((resolve) => {
      const events: LinkEvents = {
        ...NO_EVENTS,
        readable: () => {
          // Bells.
          while (control.read() !== undefined);
        },
        end: () => resolve(),
      }
      control.events = events
      process.nextTick(events.readable)
    })
  }

  static async connect(url: URL): Promise<RawEnd> {
    const { packets: control } = connectControl(url, { parameters: ['wait', 'ring'] })
    await greetInPackets(control, 'connect', url, {})
    const { parameters, descriptors } = await receiveObjects(control, 1, url, {})
    const memory = SharedMemory.fromDescriptor(descriptors[0]!)
    confirmObjects(control)
    return new RawEnd(control, memory, new DataView(parameters.slice().buffer).getUint32(0, true))
  }

  /** Where the direction begins that this end writes, and the one that it reads. */
  get #out(): number {
    return RECORDS + this.capacity
  }
  readonly #in = 0

  // The direction that this end writes

  /** Puts a record there, whatever it is; `commit` is what stands for its length. */
  record(position: number, kind: number, payload: Uint8Array, commit = payload.length + 1): void {
    const at = this.#out + RECORDS + (position & (this.capacity - 1))
    this.#view.setUint32(at + 4, kind, true)
    this.memory.bytes.set(payload, at + HEADER)
    Atomics.store(this.#words, at / 4, commit)
    this.#wake(this.#out + READER_SLEEPS)
  }

  /** Sends as it should, where no padding is due. */
  send(kind: number, payload: Uint8Array): void {
    const next = this.position + HEADER + ((payload.length + 7) & ~7)
    this.#view.setUint32(this.#out + RECORDS + (next & (this.capacity - 1)), 0, true)
    this.record(this.position, kind, payload)
    this.position = next
  }

  /** How many messages that was. */
  fillers = 0

  /** Writes until so many bytes are left before the end of the ring, and waits until they have been read. */
  async sendUntilEnd(left: number): Promise<void> {
    while (this.capacity - this.position > left) {
      const rest = this.capacity - this.position - left
      this.send(Kind.DATA, new Uint8Array(Math.min(rest, 256) - HEADER))
      this.fillers++
    }
    await until(() => this.readerSleeps)
  }

  get readerSleeps(): boolean {
    return Atomics.load(this.#words, (this.#out + READER_SLEEPS) / 4) !== 0
  }

  // The direction that this end reads

  get freed(): bigint {
    return this.#view.getBigUint64(this.#in, true)
  }

  /** Says how much it has read, whatever is true. */
  free(position: bigint): void {
    this.#view.setBigUint64(this.#in, position, true)
    this.#wake(this.#in + WRITER_SLEEPS)
  }

  get writerSleeps(): boolean {
    return Atomics.load(this.#words, (this.#in + WRITER_SLEEPS) / 4) !== 0
  }

  /** How much the other end has written since `position`, as far as its records go. */
  written(position = 0): number {
    const { capacity } = this
    for (let at = position; ; ) {
      const commit = Atomics.load(this.#words, (this.#in + RECORDS + (at & (capacity - 1))) / 4)
      if (commit === 0) return at
      at += HEADER + ((commit - 1 + 7) & ~7)
    }
  }

  // The socket

  #wake(sleeps: number): void {
    if (Atomics.exchange(this.#words, sleeps / 4, 0) !== 0) this.bell()
  }

  /** False: the socket takes no more, or the other end is gone. */
  bell(packet: Uint8Array = Uint8Array.of(Kind.DATA), descriptors: readonly number[] = []): boolean {
    const passed = descriptors.length === 0 ? undefined : Int32Array.from(descriptors)
    return native().send(this.#control.descriptor, packet, undefined, passed) >= 0
  }

  close(): void {
    this.memory.close()
    this.#control.destroy()
  }
}
