import { Kind } from '@strait/core'
import { isAgain, kernelError, native, type Rings, type SharedMemory } from '@strait/posix'

// As packages/transport-shm has them: what `read` returns, what `wait` says, and how to wait.
const LENGTH_SHIFT = 5
const BELL = 4
const ADAPTIVE = 1

const EMSGSIZE = -90
const SCRATCH_SIZE = 256
const SLAB_SIZE = 64 * 1024

/** How long this thread stays in native code at a time, in ms. */
const LONGEST_BLOCK = 50

/** Bytes of a ring in which two messages of a size have room at once: a record takes half of it, without 16. */
export const capacityFor = (payloadBytes: number) =>
  Math.max(65536, 2 ** Math.ceil(Math.log2(2 * (payloadBytes + 16))))

export interface BareRingOptions {
  readonly memory: SharedMemory
  readonly capacity: number
  /** A connected socket: a bell for who sleeps, and its hang-up ends the ring. */
  readonly bell: number
  /** This end writes into the first ring. */
  readonly first: boolean
  /** The process of the other end. */
  readonly peer: number
}

/** One end of two rings, for a thread that blocks: the addon's calls, and a view of what was received. */
export class BareRing {
  readonly #rings: Rings
  readonly #bell: number
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE)
  readonly #slab: Uint8Array
  readonly #info = new Int32Array(3)
  readonly #rung = new Uint8Array(64)
  #offset = 0
  #ended = false

  constructor({ memory, capacity, bell, first, peer }: BareRingOptions) {
    this.#bell = bell
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_SIZE, capacity / 2))
    const { region } = memory
    const rings = native().ringsOpen(
      region,
      capacity,
      first,
      bell,
      ADAPTIVE,
      peer,
      false,
      this.#scratch,
      () => {},
    )
    if (typeof rings === 'number') throw kernelError(rings, 'open', 'ring')
    this.#rings = rings
    this.#reuseSlab()
  }

  send(message: Uint8Array): void {
    for (;;) {
      const result = this.#write(message)
      if (result === 1) return
      if (result < 0) throw kernelError(result, 'send', 'ring')
      if (this.#ended) throw new Error('the peer has ended')
      this.#wait(false, true)
    }
  }

  #write(message: Uint8Array): number {
    if (message.length > SCRATCH_SIZE) return this.#rings.write(Kind.DATA, message, undefined, false)
    this.#scratch.set(message)
    return this.#rings.writeScratch(Kind.DATA | (message.length << 4))
  }

  /** undefined: the peer has ended. What it received last is overwritten when the slab is full. */
  receive(): Uint8Array | undefined {
    for (;;) {
      const found = this.#rings.readPatiently()
      if (found >= 0) return this.#take(found >>> LENGTH_SHIFT)
      if (found === EMSGSIZE) this.#reuseSlab()
      else if (!isAgain(found)) throw kernelError(found, 'receive', 'ring')
      else if (this.#ended) return undefined
      else this.#wait(true, false)
    }
  }

  #take(length: number): Uint8Array {
    const offset = this.#offset
    // The addon counts in the same way.
    this.#offset = (offset + length + 7) & ~7
    return new Uint8Array(this.#slab.buffer, offset, length)
  }

  #reuseSlab(): void {
    this.#rings.setSlab(this.#slab)
    this.#offset = 0
  }

  #wait(reading: boolean, writing: boolean): void {
    if ((this.#rings.wait(reading, writing, LONGEST_BLOCK) & BELL) === 0) return
    const rung = native().receive(this.#bell, this.#rung, 0, this.#rung.length, this.#info)
    if (rung <= 0 && !isAgain(rung)) this.#ended = true
  }

  close(): void {
    this.#rings.close()
  }
}
