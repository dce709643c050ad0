import { StraitError, type SyncWaitOptions, throwIfAborted, type WaitOptions } from '@strait/core'
import { BlockingTurns } from './blocking-turns.js'
import { inSlices } from './in-slices.js'
import { type BlockerHandle, check, isAgain, kernelError, native } from './native.js'
import { checkLength, scratch } from './scratch.js'
import { checkKey } from './sysv-key.js'
import {
  attributesOf,
  findQueue,
  inspectQueue,
  MEANINGS,
  makeQueue,
  nameOf,
  removeQueue,
  type SysvMessageQueueAttributes,
  type SysvMessageQueueCreateOptions,
  type SysvMessageQueueOpenOptions,
  sendingError,
  unlinkQueue,
} from './sysv-queue-object.js'

export type {
  SysvMessageQueueAttributes,
  SysvMessageQueueCreateOptions,
  SysvMessageQueueOpenOptions,
} from './sysv-queue-object.js'

export interface SysvMessage {
  readonly type: number
  /** The receiver's own bytes. */
  readonly message: Uint8Array
}

export interface SysvSendType {
  /** From 1 to 2⁵³ − 1. 1 unless told. */
  type?: number | undefined
}

export interface SysvReceiveType {
  /** 0, any message; a type, the next of that; a negative number, of the least type up to that. 0 unless told. */
  type?: number | undefined
}

const EINTR = -4
const E2BIG = -7

const NONE = new Uint8Array(0)

/** For a message; grows with the longest. */
let room = 8192

/**
 * A System V message queue: messages that wait in the kernel, each with a type by which receivers choose; sysvipc(7),
 * msgop(2). Programs in C and Python find the same one by its key; `keyOf` makes one from a file, as ftok(3).
 *
 * - Order: of one type as sent. Those who wait here with one type are served as called; between types and processes the
 *   kernel decides. A message goes to one receiver.
 * - Ownership: opening never removes anything, nor does closing. The queue stays, with its messages, until somebody calls
 *   `unlink`: then it is gone at once for everybody, and those who use it get `CLOSED`.
 * - Trust: who may read may take any message.
 * - Waiting: in threads, one for each type that is waited for and one for sending, for a queue has no descriptor. They
 *   sleep in the kernel.
 */
export class SysvMessageQueue implements Disposable {
  /** The number of the queue in this machine's namespace, by which `fromId` finds it. */
  readonly id: number
  /** undefined: it has none. */
  readonly key: number | undefined
  /** Whether this object has made the queue. */
  readonly created: boolean
  readonly #name: string
  readonly #sending: BlockingTurns<true>
  readonly #receiving = new Map<number, BlockingTurns<SysvMessage>>()
  /** Types of empty messages that a thread had taken when nobody wanted them any more, and that could not go back. */
  readonly #kept: number[] = []
  readonly #type = new Float64Array(1)
  readonly #typeBytes = new Uint8Array(this.#type.buffer)
  #closed = false

  private constructor(id: number, key: number, name: string, created: boolean) {
    this.id = id
    this.key = key === 0 ? undefined : key
    this.created = created
    this.#name = name
    this.#sending = new BlockingTurns('send', name, MEANINGS)
  }

  /**
   * Makes a queue with a key, a number of 32 bits.
   *
   * - Errors: `RangeError`; `ADDRESS_IN_USE`; `NO_RESOURCES` names the limit; `NOT_SUPPORTED`.
   */
  static create(key: number, options: SysvMessageQueueCreateOptions = {}): SysvMessageQueue {
    const id = makeQueue(checkKey(key), nameOf(key), options)
    return new SysvMessageQueue(id, checkKey(key), nameOf(key), true)
  }

  /** Finds the queue with this key. - Errors: `RangeError`; `REFUSED` there is none; `PERMISSION` the mode, or whose. */
  static open(key: number, { owner }: SysvMessageQueueOpenOptions = {}): SysvMessageQueue {
    const id = findQueue(key)
    inspectQueue(id, nameOf(key), owner)
    return new SysvMessageQueue(id, checkKey(key), nameOf(key), false)
  }

  /**
   * Finds the queue, and makes it where there is none; of those who start at once, exactly one makes it, and its
   * `created` is true. Errors: as theirs.
   */
  static openOrCreate(
    key: number,
    options: SysvMessageQueueCreateOptions & SysvMessageQueueOpenOptions = {},
  ): SysvMessageQueue {
    for (;;) {
      try {
        return SysvMessageQueue.open(key, options)
      } catch (error) {
        if (!StraitError.is(error, 'REFUSED')) throw error
      }
      try {
        return SysvMessageQueue.create(key, options)
      } catch (error) {
        if (!StraitError.is(error, 'ADDRESS_IN_USE')) throw error
      }
    }
  }

  /** Makes a queue without a key, for whoever is told its `id`. - Errors: `NO_RESOURCES`; `NOT_SUPPORTED`. */
  static private(options: SysvMessageQueueCreateOptions = {}): SysvMessageQueue {
    const id = makeQueue(0, 'System V queue', options)
    return new SysvMessageQueue(id, 0, `System V queue ${id}`, true)
  }

  /** The queue with this number. - Errors: as of `open`. */
  static fromId(id: number, { owner }: SysvMessageQueueOpenOptions = {}): SysvMessageQueue {
    const name = `System V queue ${checkLength('id', id, 0)}`
    return new SysvMessageQueue(id, inspectQueue(id, name, owner), name, false)
  }

  /** Removes the queue with this key, whoever uses it. Whether there was one. - Errors: `RangeError`; `PERMISSION`. */
  static unlink(key: number): boolean {
    return unlinkQueue(key)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** - Errors: `CLOSED`. */
  get attributes(): SysvMessageQueueAttributes {
    this.#ensureOpen('attributes')
    return attributesOf(this.id, this.#name)
  }

  /**
   * From now on it holds so many bytes; what is in it stays.
   *
   * - Errors: `RangeError`; `CLOSED`; `PERMISSION` it is more than `sysctl kernel.msgmnb`, or it is somebody else's.
   */
  resize(maxBytes: number): void {
    this.#ensureOpen('resize')
    check(native().msgResize(this.id, checkLength('maxBytes', maxBytes)), 'resize', this.#name, {
      ...MEANINGS,
      EPERM: [
        'PERMISSION',
        "only root may go beyond `sysctl kernel.msgmnb`, and nobody else changes somebody's queue",
      ],
    })
  }

  /**
   * Sends a message, if there is room; false: there is none, and nothing was sent. Goes before those who wait.
   *
   * - Errors: `RangeError`; `CLOSED`, also where the queue was removed; `TOO_LARGE` for any queue, or for this one;
   *   `PERMISSION`.
   */
  trySend(message: Uint8Array, { type = 1 }: SysvSendType = {}): boolean {
    checkType(type, 1)
    this.#ensureOpen('send')
    return this.#send(message, type)
  }

  /**
   * Sends a message, and waits while there is no room.
   *
   * - Order: as called.
   * - Abort: nothing was sent; when the kernel has taken the message at that very moment, `send` resolves all the same.
   * - Ownership: the bytes are the caller's again when this resolves.
   * - Errors: as of `trySend`, also meanwhile; `ABORTED`; `NO_RESOURCES` there can be no more threads.
   */
  async send(message: Uint8Array, { type = 1, signal }: SysvSendType & WaitOptions = {}): Promise<void> {
    checkType(type, 1)
    throwIfAborted('send', this.#name, signal)
    this.#ensureOpen('send')
    let sent = false
    const sending = {
      attempt: () => this.#send(message, type) || undefined,
      begin: (blocker: BlockerHandle) => native().msgStartSending(blocker, this.id, message, type),
      finish: () => true as const,
      undo: () => {
        sent = true
      },
    }
    try {
      await this.#sending.run(sending, { signal })
    } catch (error) {
      if (!sent) throw error
    }
  }

  /** The same, blocking the thread. - Errors: as of `trySend`; `TIMEOUT`: nothing was sent. */
  sendSync(message: Uint8Array, { type = 1, timeout }: SysvSendType & SyncWaitOptions = {}): void {
    checkType(type, 1)
    this.#ensureOpen('send')
    inSlices('send', this.#name, (ms) => this.#send(message, type, ms) || undefined, { timeout })
  }

  #send(message: Uint8Array, type: number, ms = 0): boolean {
    const result = native().msgSend(this.id, message, type, ms)
    if (result >= 0) return true
    if (!isAgain(result) && result !== EINTR) throw sendingError(result, message.length, this.#name)
    // The kernel would have us wait for ever.
    const { maxBytes } = attributesOf(this.id, this.#name)
    if (message.length <= maxBytes) return false
    const reason = `this queue holds ${maxBytes} bytes, and the message has ${message.length}`
    throw new StraitError('TOO_LARGE', reason, { operation: 'send', url: this.#name })
  }

  /**
   * The next message of a type; undefined: none now. Goes before those who wait.
   *
   * - Errors: `RangeError`; `CLOSED`, also where the queue was removed; `PERMISSION`.
   */
  tryReceive({ type = 0 }: SysvReceiveType = {}): SysvMessage | undefined {
    checkType(type)
    this.#ensureOpen('receive')
    return this.#receive(type)
  }

  /**
   * Waits for the next message of a type.
   *
   * - Order: those who wait with the same type as called.
   * - Abort: no message was taken. One of no bytes that came at that very moment is behind others of its type then.
   * - Errors: as of `tryReceive`, also meanwhile; `ABORTED`; `NO_RESOURCES` there can be no more threads.
   */
  async receive({ type = 0, signal }: SysvReceiveType & WaitOptions = {}): Promise<SysvMessage> {
    checkType(type)
    throwIfAborted('receive', this.#name, signal)
    this.#ensureOpen('receive')
    const turns = this.#receiving.get(type) ?? new BlockingTurns('receive', this.#name, MEANINGS)
    this.#receiving.set(type, turns)
    try {
      return await turns.run(
        {
          attempt: () => this.#receive(type),
          // It asks for a message of no bytes: the kernel refuses all others, and leaves them where they are.
          begin: (blocker) => native().msgStartWaiting(blocker, this.id, type),
          expected: E2BIG,
          finish: (its) => (its === E2BIG ? undefined : { type: its, message: NONE.slice() }),
          undo: (its) => this.#giveBack(its),
        },
        { signal },
      )
    } finally {
      this.#trim(type, turns)
    }
  }

  /** One thread may be kept for the next who waits, but not one for each type that there has ever been. */
  #trim(type: number, turns: BlockingTurns<SysvMessage>): void {
    if (turns.size > 0 || this.#receiving.size === 1 || this.#receiving.get(type) !== turns) return
    this.#receiving.delete(type)
    turns.close()
  }

  /** The same, blocking the thread. - Errors: as of `tryReceive`; `TIMEOUT`: no message was taken. */
  receiveSync({ type = 0, timeout }: SysvReceiveType & SyncWaitOptions = {}): SysvMessage {
    checkType(type)
    this.#ensureOpen('receive')
    return inSlices('receive', this.#name, (ms) => this.#receive(type, ms), { timeout })
  }

  #receive(type: number, ms = 0): SysvMessage | undefined {
    const kept = this.#kept.findIndex((its) => type === 0 || its === type || its <= -type)
    if (kept >= 0) return { type: this.#kept.splice(kept, 1)[0]!, message: NONE.slice() }
    for (;;) {
      const target = scratch(room)
      const count = native().msgReceive(this.id, type, ms, target, 0, room, this.#typeBytes)
      if (count >= 0) return { type: this.#type[0]!, message: target.slice(0, count) }
      if (isAgain(count) || count === EINTR) return undefined
      if (count !== E2BIG) throw kernelError(count, 'receive', this.#name, MEANINGS)
      room *= 2
    }
  }

  #giveBack(type: number): void {
    if (native().msgSend(this.id, NONE, type, 0) < 0) this.#kept.push(type)
  }

  /** Removes the queue, with its messages, from the system, whoever uses it. Whether it was there. - Errors: `PERMISSION`. */
  unlink(): boolean {
    this.#ensureOpen('unlink')
    return removeQueue(this.id, this.#name)
  }

  #ensureOpen(operation: string): void {
    if (this.#closed) throw new StraitError('CLOSED', 'it is closed', { operation, url: this.#name })
  }

  /** Lets go of it here; who waits here gets `CLOSED`. The queue stays. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#sending.close()
    for (const turns of this.#receiving.values()) turns.close()
    for (const type of this.#kept.splice(0)) native().msgSend(this.id, NONE, type, 0)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function checkType(type: number, least = -Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(type) || type < least)
    throw new RangeError(`a type is a whole number from ${least} to 2⁵³ - 1, not ${type}`)
}
