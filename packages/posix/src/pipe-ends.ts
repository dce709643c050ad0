import { constants, fstatSync } from 'node:fs'
import { StraitError, type SyncWaitOptions, throwIfAborted, type WaitOptions } from '@strait/core'
import { check, isAgain, kernelError, native } from './native.js'
import { Outgoing, type Parcel } from './outgoing.js'
import { checkLength, DEFAULT_LENGTH, scratch } from './scratch.js'
import { Pollable } from './waiting.js'

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const O_ACCMODE = 3
const POLLHUP = 0x10

/** Writes of at most so many bytes go in without a gap, whoever else writes; `getconf PIPE_BUF /`, pipe(7). */
export const PIPE_BUF = 4096

export interface ReadOptions {
  /** At most so many bytes at once. 64 KiB unless told. */
  maxLength?: number | undefined
}

/** What both ends of a pipe or FIFO have in common. */
abstract class PipeEnd implements Disposable {
  protected readonly pollable: Pollable
  #prepared = false

  /** Used within this package; others get their ends from `Pipe`, `Fifo` or `fromDescriptor`. */
  constructor(pollable: Pollable) {
    this.pollable = pollable
  }

  /**
   * The descriptor, for the `stdio` of a child. It stays this object's: `close` it here once the child is started, or
   * the other end will not notice when the child is gone.
   *
   * It blocks, as other programs expect of it, until it is read or written here; from then on it does not, for a child
   * has the flags in common with us.
   */
  get descriptor(): number {
    this.pollable.ensureOpen('descriptor')
    return this.pollable.descriptor
  }

  get closed(): boolean {
    return this.pollable.closed
  }

  /** Closes this end. Who waits gets `CLOSED`. Idempotent. */
  close(): void {
    this.pollable.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Makes sure that no call blocks; only now, so that an end that goes to a child is as other programs expect it. */
  protected prepare(operation: string): void {
    this.pollable.ensureOpen(operation)
    if (this.#prepared) return
    const { descriptor, name } = this.pollable
    const flags = check(native().statusFlags(descriptor), operation, name)
    check(native().setStatusFlags(descriptor, flags | O_NONBLOCK), operation, name)
    this.#prepared = true
  }
}

/** The end of a pipe or FIFO that bytes come out of; pipe(7). They have no boundaries. */
export class PipeReader extends PipeEnd implements AsyncIterable<Uint8Array> {
  #ended = false

  /**
   * Takes over a descriptor that was inherited or received, and opens it anew, because its flags are shared with
   * whoever else has it.
   *
   * - Errors: `ADDRESS_INVALID` it is not the reading end of a pipe or FIFO. Then it stays the caller's.
   */
  static fromDescriptor(descriptor: number): PipeReader {
    return new PipeReader(reopen(descriptor, O_RDONLY, 'read'))
  }

  /** Nobody can write any more, and everything has been read. */
  get ended(): boolean {
    return this.#ended
  }

  /** The bytes that are there; undefined: none now, or the end, which `ended` tells. Goes before those who wait. */
  tryRead({ maxLength = DEFAULT_LENGTH }: ReadOptions = {}): Uint8Array | undefined {
    checkLength('maxLength', maxLength)
    this.prepare('read')
    return this.#attempt(maxLength) ?? undefined
  }

  /**
   * The next bytes, the caller's own; undefined: the end, for ever.
   *
   * - Order: as called.
   * - Abort: nothing was read.
   * - Errors: `CLOSED` this end is closed, also meanwhile; `ABORTED`.
   */
  async read({
    maxLength = DEFAULT_LENGTH,
    signal,
  }: ReadOptions & WaitOptions = {}): Promise<Uint8Array | undefined> {
    checkLength('maxLength', maxLength)
    throwIfAborted('read', this.pollable.name, signal)
    this.prepare('read')
    const attempt = () => settled(this.#attempt(maxLength))
    return (await this.pollable.run('incoming', 'read', attempt, { signal })).bytes
  }

  /**
   * The same, blocking the thread.
   *
   * - Errors: `TIMEOUT`; `CLOSED`.
   */
  readSync({
    maxLength = DEFAULT_LENGTH,
    ...options
  }: ReadOptions & SyncWaitOptions = {}): Uint8Array | undefined {
    checkLength('maxLength', maxLength)
    this.prepare('read')
    const attempt = () => settled(this.#attempt(maxLength))
    return this.pollable.runSync('incoming', 'read', attempt, options).bytes
  }

  /** Everything up to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) yield bytes
  }

  /** undefined: nothing now; null: the end. */
  #attempt(maxLength: number): Uint8Array | null | undefined {
    if (this.#ended) return null
    const { descriptor, name } = this.pollable
    const target = scratch(maxLength)
    const count = native().read(descriptor, target, 0, maxLength)
    if (isAgain(count)) return undefined
    if (check(count, 'read', name) > 0) return target.slice(0, count)
    // A FIFO that nobody has opened for writing yet reads as 0 bytes too; a hang-up is what makes it the end.
    if ((native().pollNow(descriptor, 0, -1, 0, 0) & POLLHUP) === 0) return undefined
    this.#ended = true
    return null
  }
}

/** What was waited for, so that also the end is more than undefined. */
const settled = (result: Uint8Array | null | undefined) =>
  result === undefined ? undefined : { bytes: result ?? undefined }

/** The end of a pipe or FIFO that bytes go into; pipe(7). */
export class PipeWriter extends PipeEnd {
  #outgoing: Outgoing | undefined

  /**
   * Takes over a descriptor that was inherited or received, and opens it anew, because its flags are shared with
   * whoever else has it.
   *
   * - Errors: `ADDRESS_INVALID` it is not the writing end of a pipe or FIFO; `REFUSED` nobody reads. Then it stays the
   *   caller's.
   */
  static fromDescriptor(descriptor: number): PipeWriter {
    return new PipeWriter(reopen(descriptor, O_WRONLY, 'write'))
  }

  /**
   * Writes as many bytes as go in now; up to `PIPE_BUF` of them all or none.
   *
   * @returns how many; undefined: none now, or others are before it.
   */
  tryWrite(bytes: Uint8Array): number | undefined {
    this.prepare('write')
    return this.#out.try(this.#parcel(bytes))
  }

  /**
   * Resolves when all bytes are in the pipe. They follow each other without a gap as far as this object is concerned;
   * among several processes that write only up to `PIPE_BUF`.
   *
   * - Order: as called.
   * - Abort: counts until the first byte is in; then nothing has been written. Afterwards only `close` ends the wait.
   * - Ownership: the bytes must not change until then.
   * - Errors: `RESET` nobody can read any more; `CLOSED` this end is closed, also meanwhile; `ABORTED`.
   */
  async write(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    this.prepare('write')
    await this.#out.send(this.#parcel(bytes), options)
  }

  /**
   * The same, blocking the thread. It goes before writes that wait, but behind one that is in the pipe in part.
   *
   * - Errors: `TIMEOUT`, which says how much is in if anything is; `RESET`; `CLOSED`.
   */
  writeSync(bytes: Uint8Array, options?: SyncWaitOptions): void {
    this.prepare('write')
    this.#out.sendSync(this.#parcel(bytes), options)
  }

  get #out(): Outgoing {
    this.#outgoing ??= new Outgoing(this.pollable, 'write')
    return this.#outgoing
  }

  #parcel(bytes: Uint8Array): Parcel {
    const { descriptor, name } = this.pollable
    return {
      length: bytes.length,
      send: (from) => {
        const count = native().write(descriptor, bytes, from, bytes.length - from)
        return isAgain(count) ? undefined : check(count, 'write', name, WRITING)
      },
      pollable: () => this.pollable,
    }
  }
}

const WRITING = { EPIPE: ['RESET', 'nobody can read it any more'] } as const
const REOPENING = { ENXIO: ['REFUSED', 'nobody reads'] } as const

/** The same pipe by a description of our own. */
function reopen(descriptor: number, access: number, verb: 'read' | 'write'): Pollable {
  const name = `descriptor ${descriptor}`
  const opposite = access === O_RDONLY ? O_WRONLY : O_RDONLY
  const flags = check(native('open').statusFlags(descriptor), 'open', name, {
    EBADF: ['ADDRESS_INVALID', 'there is no such descriptor'],
  })
  if (!fstatSync(descriptor).isFIFO() || (flags & O_ACCMODE) === opposite) {
    const reason = `it is not an end of a pipe or FIFO that one can ${verb}`
    throw new StraitError('ADDRESS_INVALID', reason, { operation: 'open', url: name })
  }
  const opened = native().open(`/proc/self/fd/${descriptor}`, access | O_NONBLOCK, 0)
  if (opened < 0) throw kernelError(opened, 'open', name, REOPENING)
  native().close(descriptor)
  return new Pollable(opened, name)
}
