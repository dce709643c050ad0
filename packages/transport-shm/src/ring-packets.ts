import { Kind, type LinkEvents, NO_EVENTS, type PacketLink, type PeerInfo, StraitError } from '@strait/core'
import { isAgain, kernelError, native, type Rings, type SharedMemory } from '@strait/posix'
import type { SocketPackets } from '@strait/rendezvous'
import { cpuQuota } from './cpu-quota.js'
import { Loan } from './loan.js'
import { Slab } from './slab.js'
import { WAITS, type Wait } from './waits.js'

// What `read` returns, and what has happened; native/rings.cc.
const KIND = 15
const MORE = 16
const LENGTH_SHIFT = 5
const READABLE = 1
const WRITABLE = 2
const BELL = 4

const IMPOSSIBLE = 'left the memory in a state that cannot be'

const EBADF = -9
const EBADMSG = -74
const EMSGSIZE = -90

/** Small messages are gathered in one place, for a view of the caller's may have no bytes outside of the heap yet. */
const SCRATCH_SIZE = 256

const SLAB_SIZE = 64 * 1024

/** An end rings once for each time that the other one sleeps; so many at once nobody has asked for. */
const MOST_BELLS = 64

/** The longest payload of a record; native/ring.h. */
const longestRecord = (capacity: number) => capacity / 2 - 16

/** What both ends have in common, and this one's part in it. */
export interface Shared {
  readonly memory: SharedMemory
  /** Of each ring, in bytes: a power of two. */
  readonly capacity: number
  /** This end writes into the first ring. */
  readonly first: boolean
  readonly wait: Wait
  /** Who is at the other end. */
  readonly peer: PeerInfo
}

/** How many processors this process may use, of those that there are. */
const quota = cpuQuota()

/**
 * Two rings in shared memory as a `PacketLink`. The control socket stays: a bell for who sleeps, and its hang-up is the
 * news of the other end's death. It owns both.
 */
export class RingPackets implements PacketLink {
  events: LinkEvents = NO_EVENTS
  readonly maxPacketSize: number
  readonly partSize: number
  kind = 0
  readonly #rings: Rings
  readonly #memory: SharedMemory
  readonly #control: SocketPackets
  readonly #url: URL
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE)
  readonly #slabSize: number
  /** The first one comes with the first message. */
  #slab = new Slab(0)
  #drained = false
  #ended = false
  /** A packet was refused, and its sender not told yet that there is room. */
  #refused = false
  #hungUp: { cause: StraitError | undefined } | undefined
  /** Messages are handed out where they lie, one at a time. */
  #lending = false
  readonly loan = new Loan()
  /** Sizes of the rooms that are asked for, by the messages that stand for them in the queue of senders. */
  readonly #wanted = new Map<Uint8Array, number>()
  #claimed: Uint8Array | undefined
  /** What is told in the next turn of the event loop, for it was found out inside of `write`. */
  #trouble: (() => void) | undefined

  constructor({ memory, capacity, first, wait, peer }: Shared, control: SocketPackets, url: URL) {
    this.#memory = memory
    this.#control = control
    this.#url = url
    this.maxPacketSize = longestRecord(capacity)
    // So that one end reads while the other one writes.
    this.partSize = longestRecord(capacity / 4)
    this.#slabSize = Math.max(SLAB_SIZE, this.maxPacketSize)
    const rings = native().ringsOpen(
      memory.region,
      capacity,
      first,
      control.descriptor,
      WAITS.indexOf(wait),
      peer.pid ?? 0,
      quota < 2,
      this.#scratch,
      (events) => this.#tell(events),
    )
    if (typeof rings === 'number') throw kernelError(rings, 'open', url.href)
    this.#rings = rings
    control.expectEmpty()
    control.events = {
      readable: () => this.#onBell(),
      writable: () => {},
      end: (cause) => this.#onHangUp(cause),
      fail: () => {},
    }
    // What came before anybody listened; whoever makes these packets has not taken them over yet.
    process.nextTick(() => this.#onBell())
  }

  // What happens

  #tell(events: number): void {
    if (events <= 0) return
    if ((events & WRITABLE) !== 0) {
      this.#refused = false
      this.events.writable()
    }
    if ((events & READABLE) === 0) return
    this.#drained = false
    this.events.readable()
  }

  #onBell(): void {
    for (let bells = 0; bells < MOST_BELLS; bells++) {
      const packet = this.#control.read()
      if (packet === undefined) {
        this.#tell(this.#rings.wake())
        return
      }
      if (this.#control.kind !== Kind.DATA) {
        this.#giveUp('sent something else than a bell')
        return
      }
    }
    this.#giveUp('rang although nobody slept')
  }

  /** The other end is gone. What it has written is still there. */
  #onHangUp(cause: StraitError | undefined): void {
    this.#hungUp = { cause }
    this.#drained = false
    this.events.readable()
    if (this.#refused) this.#fail()
  }

  #fail(): void {
    if (this.#ended) return
    this.events.fail(
      new StraitError('RESET', 'the peer is gone', {
        operation: 'send',
        url: this.#url,
        cause: this.#hungUp?.cause,
      }),
    )
  }

  #end(error: StraitError | undefined): undefined {
    if (this.#ended) return
    this.#ended = true
    this.events.end(error)
  }

  /** Ends it, and also who only sends, or has not read everything, learns of it. */
  #giveUp(what: string): void {
    if (this.#ended) return
    const error = this.#corrupt(what)
    this.events.fail(error)
    this.#end(error)
  }

  #corrupt(what: string): StraitError {
    return new StraitError('CORRUPT', `the peer ${what}`, { operation: 'receive', url: this.#url })
  }

  // Incoming

  read(): Uint8Array | undefined {
    return this.#drained ? undefined : this.#next(false)
  }

  look(patiently: boolean): Uint8Array | undefined {
    return this.#next(patiently)
  }

  #next(patiently: boolean): Uint8Array | undefined {
    if (this.#ended) return undefined
    return this.#lending ? this.#lend(patiently) : this.#copy(patiently)
  }

  readPart(target: Uint8Array, offset: number): number {
    if (this.#ended || this.loan.isOut) return 0
    const length = this.#rings.readInto(Kind.MORE, target, offset)
    // What it is, or whether there is nothing more, `read` finds out.
    this.#drained = false
    return Math.max(length, 0)
  }

  #copy(patiently: boolean): Uint8Array | undefined {
    if (this.#slab.gone) this.#newSlab()
    const found = patiently ? this.#rings.readPatiently() : this.#rings.read()
    if (found < 0) return this.#none(found)
    this.kind = found & KIND
    // After a hang-up only another look tells that there is nothing more.
    this.#drained = (found & MORE) === 0 && this.#hungUp === undefined
    return this.#slab.take(found >>> LENGTH_SHIFT)
  }

  #none(reason: number): Uint8Array | undefined {
    if (reason === EMSGSIZE) {
      this.#newSlab()
      return this.#copy(false)
    }
    if (reason === EBADMSG) return this.#end(this.#corrupt(IMPOSSIBLE))
    this.#drained = isAgain(reason)
    if (this.#drained && this.#hungUp !== undefined) this.#end(this.#hungUp.cause)
    return undefined
  }

  #newSlab(): void {
    this.#slab = new Slab(this.#slabSize)
    this.#rings.setSlab(this.#slab.bytes)
  }

  // Incoming, in place

  /**
   * From now on messages of one record are lent: they lie in the memory until they are given back.
   *
   * - Errors: `NOT_SUPPORTED` there are no views of it.
   */
  startLending(): void {
    this.#lending = this.#memory.bytes.length > 0
  }

  /** From now on messages are copied; what is lent is the other end's again. */
  stopLending(): void {
    this.#lending = false
    if (!this.loan.recall()) return
    this.#rings.giveBack()
    this.events.readable()
  }

  #lend(patiently: boolean): Uint8Array | undefined {
    if (this.loan.isOut) return undefined
    const found = this.#rings.borrow(patiently)
    if (found < 0) return this.#none(found)
    if ((found & KIND) !== Kind.DATA) return this.#copy(false)
    this.kind = Kind.DATA
    this.#drained = false
    const { buffer } = this.#memory.bytes
    return this.loan.begin(new Uint8Array(buffer, this.#rings.lentAt(), found >>> LENGTH_SHIFT))
  }

  /** The room of a message that was lent is the other end's again; the ones behind it can be read. */
  giveBack(message: Uint8Array): void {
    if (!this.loan.end(message)) return
    this.#rings.giveBack()
    this.events.readable()
  }

  // Outgoing

  write(kind: Kind, body: Uint8Array, prefix?: Uint8Array): boolean {
    const result = this.#hungUp === undefined ? this.#write(kind, body, prefix) : EBADF
    if (result === 1) return true
    this.#refused = true
    if (result === 0 || this.#trouble !== undefined) return false
    this.#trouble = () => (result === EBADMSG ? this.#giveUp(IMPOSSIBLE) : this.#fail())
    process.nextTick(() => this.#tellTrouble())
    return false
  }

  #write(kind: Kind, body: Uint8Array, prefix: Uint8Array | undefined): number {
    if (this.#claimed !== undefined) return 0
    if (this.#wanted.size > 0) {
      const size = this.#wanted.get(body)
      if (size !== undefined) return this.#claim(size)
    }
    if (prefix !== undefined || body.length > SCRATCH_SIZE)
      return this.#rings.write(kind, body, prefix, kind === Kind.MORE)
    this.#scratch.set(body)
    return this.#rings.writeScratch(kind | (body.length << 4))
  }

  // Outgoing, in place

  /**
   * The next message with these bytes is not sent: in its turn, so much room is taken. `forget` it afterwards.
   *
   * - Errors: `NOT_SUPPORTED` there are no views of the memory.
   */
  want(placeholder: Uint8Array, size: number): void {
    if (this.#memory.bytes.length > 0) this.#wanted.set(placeholder, size)
  }

  forget(placeholder: Uint8Array): void {
    this.#wanted.delete(placeholder)
  }

  #claim(size: number): number {
    const at = this.#rings.claim(size)
    if (at < 0) return isAgain(at) ? 0 : at
    this.#claimed = new Uint8Array(this.#memory.bytes.buffer, at, size)
    return 1
  }

  /** The room that was taken. Nothing is sent before it is settled. */
  get claimed(): Uint8Array | undefined {
    return this.#claimed
  }

  /** Sends the first bytes of the room that was taken; undefined: nothing of it. */
  settle(length: number | undefined): void {
    this.#claimed = undefined
    if (length !== undefined) this.#rings.commit(Kind.DATA, length)
    if (!this.#refused) return
    this.#refused = false
    this.events.writable()
  }

  // Both

  #tellTrouble(): boolean {
    const trouble = this.#trouble
    this.#trouble = undefined
    trouble?.()
    return trouble !== undefined
  }

  wait(reading: boolean, writing: boolean, ms: number): void {
    // A blocked thread has no turns of the event loop.
    if (this.#tellTrouble()) return
    // What waits for a claim or a loan of this thread, waits for this thread.
    const mayRead = reading && !this.loan.isOut
    const mayWrite = writing && this.#claimed === undefined
    const events = this.#rings.wait(mayRead, mayWrite, ms)
    if (events < 0) return
    this.#tell(events)
    if ((events & BELL) !== 0) this.#control.wait(true, false, 0)
  }

  /** What waiting has cost so far, and what has passed; in the order of native/rings.cc. */
  stats(): number[] {
    const numbers: number[] = []
    this.#rings.stats(numbers)
    return numbers
  }

  destroy(): void {
    this.#ended = true
    this.loan.recall()
    this.#rings.close()
    this.#memory.close()
    this.#control.destroy()
  }

  ref(): void {
    this.#control.ref()
  }

  unref(): void {
    this.#control.unref()
  }
}
