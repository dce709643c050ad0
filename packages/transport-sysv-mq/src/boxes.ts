import type { Kind } from '@strait/core'
import { BlockedCall, native } from '@strait/posix'
import type { Mailboxes } from '@strait/rendezvous'
import { type Ends, PACKET_SIZE } from './queues.js'

const system = native('load')

const EINTR = -4
const E2BIG = -7
const EAGAIN = -11
const EINVAL = -22
const EPIPE = -32
const EIDRM = -43
const EBADMSG = -74
const ECONNRESET = -104

/** Where there can be no more threads, who waits for room looks again after so long, in ms. */
const LOOK_AGAIN = 20

/** The type of each packet; mtype in msgop(2). */
const TYPE = 1

const NONE = new Uint8Array(0)

/**
 * Two System V queues; sysvipc(7). They have no descriptor, so that two threads block in place of this one, each from
 * when it is first needed. The one for what comes in asks for a message of no length: the kernel refuses every longer one
 * and leaves it where it is. The one for what goes out sends the one packet for which there was no room.
 */
export class QueueBoxes implements Mailboxes {
  onReady: Mailboxes['onReady'] = () => {}
  readonly longest = PACKET_SIZE
  readonly #ends: Ends
  readonly #url: URL
  readonly #reader: BlockedCall
  #writer: BlockedCall | undefined
  readonly #type = new Float64Array(1)
  readonly #typeBytes = new Uint8Array(this.#type.buffer)
  #wanted = true
  #starting = false
  /** What was waited for was no packet, and is not in the queue any more. */
  #foreign = false
  #failure = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /**
   * Owns the ends, also when this throws.
   *
   * - Errors: `NO_RESOURCES` there can be no more threads.
   */
  constructor(ends: Ends, url: URL) {
    this.#ends = ends
    this.#url = url
    try {
      this.#reader = new BlockedCall(url.href, (result) => this.#onArrived(result))
    } catch (error) {
      ends.close()
      throw error
    }
    try {
      this.#startReader()
    } catch (error) {
      this.close()
      throw error
    }
  }

  #onArrived(result: number): void {
    if (result >= 0) this.#foreign = true
    this.onReady(true, false)
  }

  take(target: Uint8Array, offset: number): number {
    if (this.#foreign) return EBADMSG
    const count = system.msgReceive(this.#ends.incoming, 0, 0, target, offset, PACKET_SIZE, this.#typeBytes)
    if (count === E2BIG || (count >= 0 && this.#type[0] !== TYPE)) return EBADMSG
    return isGone(count) ? ECONNRESET : count
  }

  get leaving(): boolean {
    return this.#writer?.blocked === true
  }

  put(kind: Kind, body: Uint8Array, prefix: Uint8Array | undefined): number {
    if (this.#failure !== 0) return this.#failure
    if (this.leaving) return EAGAIN
    const { outgoing } = this.#ends
    const result = system.msgSendPacket(outgoing, kind, body, prefix)
    if (result !== EAGAIN) return isGone(result) ? EPIPE : result
    try {
      this.#writer ??= new BlockedCall(this.#url.href, (done) => this.#onSent(done))
      this.#writer.start((blocker) => system.msgStartSendingPacket(blocker, outgoing, kind, body, prefix))
      return 0
    } catch {
      this.#timer ??= setTimeout(() => this.#lookAgain(), LOOK_AGAIN).unref()
      return EAGAIN
    }
  }

  #lookAgain(): void {
    this.#timer = undefined
    this.onReady(false, true)
  }

  #onSent(result: number): void {
    if (result < 0) this.#failure = isGone(result) ? EPIPE : result
    this.onReady(false, true)
  }

  /** What leaves is told of in any case. */
  watch(incoming: boolean): void {
    this.#wanted = incoming
    if (!incoming || this.#starting || this.#reader.blocked) return
    this.#starting = true
    // A thread that blocks by itself, turn after turn without the event loop, needs no other one for it.
    process.nextTick(() => {
      this.#starting = false
      this.#startReader()
    })
  }

  #startReader(): void {
    if (this.#closed || !this.#wanted || this.#reader.blocked) return
    this.#reader.start((blocker) => system.msgStartWaiting(blocker, this.#ends.incoming, 0))
  }

  block(incoming: boolean, outgoing: boolean, other: number, ms: number): void {
    if (outgoing) this.#blockForRoom(incoming, other, ms)
    else this.#blockForMessage(ms)
  }

  #blockForRoom(incoming: boolean, other: number, ms: number): void {
    const { POLLIN } = system
    if (!this.leaving) {
      // Where there can be no more threads, nothing but time tells.
      if (this.#timer !== undefined) system.pollNow(other, POLLIN, -1, 0, Math.min(ms, LOOK_AGAIN))
      this.onReady(false, true)
      return
    }
    if (incoming) this.#startReader()
    // Two at a time: who waits for both directions looks at the other descriptor when the time is over.
    const second = incoming ? this.#reader.descriptor : other
    system.pollNow(this.#writer!.descriptor, POLLIN, second, POLLIN, ms)
    this.#writer!.look()
    if (incoming) this.#reader.look()
  }

  /** In this thread, which spares two switches to the other one. `other` is looked at when the time is over. */
  #blockForMessage(ms: number): void {
    const result = this.#reader.cancel() ?? system.msgReceive(this.#ends.incoming, 0, ms, NONE, 0, 0)
    if (result !== EINTR && result !== EAGAIN) this.#onArrived(result)
    else this.watch(this.#wanted)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#reader.close()
    this.#writer?.close()
    this.#ends.close()
  }
}

/** Whether a result says that the queue has been removed: meanwhile, or before. */
const isGone = (result: number) => result === EIDRM || result === EINVAL
