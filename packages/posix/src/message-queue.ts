import { constants, fstatSync } from 'node:fs'
import { StraitError, type SyncWaitOptions, throwIfAborted, type WaitOptions } from '@strait/core'
import { check, isAgain, native } from './native.js'
import {
  CREATING,
  EEXIST,
  ENOENT,
  findQueue,
  type MessageQueueAccess,
  type MessageQueueCreateOptions,
  type MessageQueueOpenOptions,
  makeQueue,
  OPENING,
  unlinkQueue,
} from './queue-object.js'
import { checkLength, scratch } from './scratch.js'
import { Pollable } from './waiting.js'

export type {
  MessageQueueAccess,
  MessageQueueCreateOptions,
  MessageQueueOpenOptions,
} from './queue-object.js'

const { O_NONBLOCK, O_RDWR, O_WRONLY } = constants
const O_ACCMODE = 3

/** MQ_PRIO_MAX - 1, mq_send(3). */
const HIGHEST_PRIORITY = 32_767

export interface MessageQueueAttributes {
  readonly maxMessages: number
  /** Bytes. */
  readonly maxMessageSize: number
  /** How many are in it now. */
  readonly messages: number
}

export interface MessagePriority {
  /** 0, the lowest, to 32,767. 0 unless told. */
  priority?: number | undefined
}

export interface QueuedMessage {
  /** The receiver's own bytes. */
  readonly message: Uint8Array
  readonly priority: number
}

/**
 * A POSIX message queue: messages that wait in the kernel for whoever opens their queue's name, the most urgent first;
 * mq_overview(7). A program in C opens the same one with mq_open(3).
 *
 * - Order: the highest priority first; among equals as sent. Those who wait in one process are served as called,
 *   whatever the priority of what they wait to send; between processes the kernel decides. A message goes to one
 *   receiver.
 * - Ownership: opening never removes anything. A name stays, with its messages, until somebody calls `unlink`; the queue
 *   stays until then and until nobody has it open. Nobody learns whether anybody else has.
 * - Trust: who may open it may also take or send any message.
 */
export class MessageQueue implements Disposable {
  /** With its slash. undefined: it came as a descriptor. */
  readonly name: string | undefined
  readonly access: MessageQueueAccess
  /** Whether this object has made the queue. */
  readonly created: boolean
  readonly #pollable: Pollable
  readonly #maxMessageSize: number
  readonly #priority = new Int32Array(1)

  private constructor(
    descriptor: number,
    { name, access, created }: Pick<MessageQueue, 'name' | 'access' | 'created'>,
  ) {
    this.name = name
    this.access = access
    this.created = created
    this.#pollable = new Pollable(descriptor, name === undefined ? `queue ${descriptor}` : `queue ${name}`)
    this.#maxMessageSize = this.attributes.maxMessageSize
  }

  /**
   * Makes a queue of this name, and opens it for both. A name is a slash and 1 to 255 bytes without another.
   *
   * - Errors: `RangeError`; `ADDRESS_INVALID` the name; `ADDRESS_IN_USE`; `NO_RESOURCES` names the limit;
   *   `NOT_SUPPORTED`.
   */
  static create(name: string, options: MessageQueueCreateOptions = {}): MessageQueue {
    return MessageQueue.#made(makeQueue(name, 'create', 'both', options), 'create', name, 'both')
  }

  /**
   * Opens what has this name.
   *
   * - Errors: `ADDRESS_INVALID` the name; `REFUSED` there is none; `PERMISSION` its mode, or it is somebody else's.
   */
  static open(name: string, { access = 'both', owner }: MessageQueueOpenOptions = {}): MessageQueue {
    return MessageQueue.#found(findQueue(name, access), name, access, owner)
  }

  /**
   * Opens what has this name, and makes it where there is nothing; of those who start at once, exactly one makes it, and
   * its `created` is true. What is there may hold more or less than was asked for: `attributes` tells. Errors: as theirs.
   */
  static openOrCreate(
    name: string,
    { access = 'both', owner, ...options }: MessageQueueCreateOptions & MessageQueueOpenOptions = {},
  ): MessageQueue {
    for (;;) {
      const found = findQueue(name, access)
      if (found !== ENOENT) return MessageQueue.#found(found, name, access, owner)
      const made = makeQueue(name, 'open', access, options)
      if (made !== EEXIST) return MessageQueue.#made(made, 'open', name, access)
    }
  }

  static #made(made: number, operation: string, name: string, access: MessageQueueAccess): MessageQueue {
    return new MessageQueue(check(made, operation, `queue ${name}`, CREATING), {
      name,
      access,
      created: true,
    })
  }

  static #found(
    found: number,
    name: string,
    access: MessageQueueAccess,
    owner: number | undefined,
  ): MessageQueue {
    const url = `queue ${name}`
    const descriptor = check(found, 'open', url, OPENING)
    const { uid } = fstatSync(descriptor)
    if ([process.geteuid?.(), 0, owner].includes(uid))
      return new MessageQueue(descriptor, { name, access, created: false })
    native().close(descriptor)
    const reason = `it belongs to user ${uid}; name that user as \`owner\` to trust it`
    throw new StraitError('PERMISSION', reason, { operation: 'open', url })
  }

  /**
   * Takes over a descriptor that was inherited or received, and opens it anew, because its flags are shared with whoever
   * else has it. It allows what the descriptor allows.
   *
   * - Errors: `ADDRESS_INVALID` it is no queue; `PERMISSION` its mode. Then it stays the caller's.
   */
  static fromDescriptor(descriptor: number): MessageQueue {
    const url = `queue ${descriptor}`
    const { close, mqAttributes, open, statusFlags } = native('open')
    check(mqAttributes(descriptor, new Int32Array(3)), 'open', url, {
      EBADF: ['ADDRESS_INVALID', 'it is not the descriptor of a queue'],
    })
    const granted = check(statusFlags(descriptor), 'open', url) & O_ACCMODE
    const access = granted === O_RDWR ? 'both' : granted === O_WRONLY ? 'write' : 'read'
    const opened = open(`/proc/self/fd/${descriptor}`, granted | O_NONBLOCK, 0)
    const queue = new MessageQueue(check(opened, 'open', url, OPENING), {
      name: undefined,
      access,
      created: false,
    })
    close(descriptor)
    return queue
  }

  /**
   * Removes a name. Whether there was one. Who has the queue open keeps it.
   *
   * - Errors: `ADDRESS_INVALID` the name; `PERMISSION` it is somebody else's.
   */
  static unlink(name: string): boolean {
    return unlinkQueue(name)
  }

  /** Removes its name, if that is still this queue's. Whether it was. Errors: as above; `CLOSED`. */
  unlink(): boolean {
    this.#pollable.ensureOpen('unlink')
    // A queue has its one name for life, or none: it cannot be renamed.
    if (this.name === undefined || fstatSync(this.#pollable.descriptor).nlink === 0) return false
    return MessageQueue.unlink(this.name)
  }

  /**
   * To pass on, to the `stdio` of a child or over a Unix socket; it stays this object's. It does not block; whoever has
   * it can change that for this object too, so pass it to those you trust.
   */
  get descriptor(): number {
    this.#pollable.ensureOpen('descriptor')
    return this.#pollable.descriptor
  }

  get closed(): boolean {
    return this.#pollable.closed
  }

  /** Its limits, which never change, and how many messages are in it. - Errors: `CLOSED`. */
  get attributes(): MessageQueueAttributes {
    this.#pollable.ensureOpen('attributes')
    const { descriptor, name } = this.#pollable
    const attributes = new Int32Array(3)
    check(native().mqAttributes(descriptor, attributes), 'attributes', name)
    const [maxMessages, maxMessageSize, messages] = attributes as unknown as [number, number, number]
    return { maxMessages, maxMessageSize, messages }
  }

  /** Sends it; false: the queue is full, and nothing was sent. Goes before those who wait. Errors: as for `send`. */
  trySend(message: Uint8Array, { priority = 0 }: MessagePriority = {}): boolean {
    this.#checkSending(message, priority)
    this.#pollable.ensureOpen('send')
    return this.#put(message, priority) === true
  }

  /**
   * Resolves when the message is in the queue.
   *
   * - Order: as called.
   * - Abort: nothing was sent.
   * - Ownership: the bytes must not change until then.
   * - Errors: `RangeError` the priority; `TypeError` not open for writing; `TOO_LARGE`; `CLOSED`, also meanwhile;
   *   `ABORTED`.
   */
  async send(
    message: Uint8Array,
    { priority = 0, signal }: MessagePriority & WaitOptions = {},
  ): Promise<void> {
    this.#checkSending(message, priority)
    throwIfAborted('send', this.#pollable.name, signal)
    await this.#pollable.run('outgoing', 'send', () => this.#put(message, priority), { signal })
  }

  /** The same, blocking the thread. Goes before those who wait. - Errors: as for `send`; `TIMEOUT`: nothing was sent. */
  sendSync(message: Uint8Array, { priority = 0, ...options }: MessagePriority & SyncWaitOptions = {}): void {
    this.#checkSending(message, priority)
    this.#pollable.runSync('outgoing', 'send', () => this.#put(message, priority), options)
  }

  /** Takes the most urgent message; undefined: none now. Goes before those who wait. Errors: as for `receive`. */
  tryReceive(): QueuedMessage | undefined {
    this.#checkAccess('write')
    this.#pollable.ensureOpen('receive')
    return this.#take()
  }

  /**
   * Waits until there is a message, and takes the most urgent one.
   *
   * - Order: as called.
   * - Abort: nothing was taken.
   * - Errors: `TypeError` not open for reading; `CLOSED`, also meanwhile; `ABORTED`.
   */
  async receive({ signal }: WaitOptions = {}): Promise<QueuedMessage> {
    this.#checkAccess('write')
    throwIfAborted('receive', this.#pollable.name, signal)
    return this.#pollable.run('incoming', 'receive', () => this.#take(), { signal })
  }

  /** The same, blocking the thread. Goes before those who wait. - Errors: as for `receive`; `TIMEOUT`. */
  receiveSync(options: SyncWaitOptions = {}): QueuedMessage {
    this.#checkAccess('write')
    return this.#pollable.runSync('incoming', 'receive', () => this.#take(), options)
  }

  #put(message: Uint8Array, priority: number): true | undefined {
    const { descriptor, name } = this.#pollable
    const result = native().mqSend(descriptor, message, priority)
    if (isAgain(result)) return undefined
    check(result, 'send', name)
    return true
  }

  #take(): QueuedMessage | undefined {
    const { descriptor, name } = this.#pollable
    const target = scratch(this.#maxMessageSize)
    const length = native().mqReceive(descriptor, target, 0, this.#maxMessageSize, this.#priority)
    if (isAgain(length)) return undefined
    check(length, 'receive', name)
    return { message: target.slice(0, length), priority: this.#priority[0]! }
  }

  /** Throws where the queue was opened only for what is `other`. */
  #checkAccess(other: 'read' | 'write'): void {
    if (this.access !== other) return
    throw new TypeError(`the queue is open for ${other === 'read' ? 'reading' : 'writing'} only`)
  }

  #checkSending(message: Uint8Array, priority: number): void {
    if (!(message instanceof Uint8Array)) throw new TypeError('a message must be a Uint8Array')
    checkLength('priority', priority, 0, HIGHEST_PRIORITY)
    this.#checkAccess('read')
    if (message.length <= this.#maxMessageSize) return
    const reason = `the queue carries at most ${this.#maxMessageSize} bytes, not ${message.length}`
    throw new StraitError('TOO_LARGE', reason, { operation: 'send', url: this.#pollable.name })
  }

  /** Closes it here; who waits here gets `CLOSED`. The name stays, and so do the messages. Idempotent. */
  close(): void {
    this.#pollable.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
