import { chmodSync, constants, fstatSync, lstatSync, type Stats, unlinkSync } from 'node:fs'
import { StraitError } from '@strait/core'
import { check, kernelError, type Meanings, native } from './native.js'
import { PipeReader, PipeWriter } from './pipe-ends.js'
import { Pollable } from './waiting.js'

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** open(2): names an inode without opening it. Node has no constant for it. */
const O_PATH = 0o10000000

const ENOENT = -2
const EEXIST = -17

/** Which ends are opened. */
export type FifoAccess = 'both' | 'read' | 'write'

const FLAGS: Record<FifoAccess, number> = { both: O_RDWR, read: O_RDONLY, write: O_WRONLY }

export interface FifoOpenOptions {
  /**
   * `both`, the default: opening never waits for anybody, and a writer that leaves is no end, since this process could
   * still write. `read`: the end is seen, once there has been a writer. `write`: somebody must read.
   */
  access?: FifoAccess | undefined
  /** The uid of a user whose FIFO is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

export interface FifoCreateOptions {
  /** Who may open it, whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

/**
 * The bare FIFO, which `cat` reads and writes: a pipe with a name; fifo(7). Who opens the name shares the one pipe with
 * everybody else who does.
 */
export class Fifo implements Disposable {
  readonly path: string
  readonly access: FifoAccess
  readonly #pollable: Pollable
  readonly #reader: PipeReader
  readonly #writer: PipeWriter
  readonly #identity: Stats

  private constructor(path: string, descriptor: number, access: FifoAccess, identity: Stats) {
    this.path = path
    this.access = access
    this.#pollable = new Pollable(descriptor, `fifo:${path}`)
    this.#reader = new PipeReader(this.#pollable)
    this.#writer = new PipeWriter(this.#pollable)
    this.#identity = identity
  }

  /**
   * Makes a FIFO of this name and opens both its ends.
   *
   * - Errors: `ADDRESS_IN_USE` something has the name; `ADDRESS_INVALID` no such directory, or too long; `PERMISSION`.
   */
  static create(path: string, { mode = 0o600 }: FifoCreateOptions = {}): Fifo {
    check(make(path, mode), 'create', `fifo:${path}`, CREATING)
    try {
      return Fifo.#open(path, 'create', { mode })
    } catch (error) {
      // What could not be opened as ours is not ours to remove, except where there was nothing but a limit.
      if (StraitError.is(error, 'NO_RESOURCES')) unlinkSync(path)
      throw error
    }
  }

  /**
   * Opens what has this name. Never waits.
   *
   * - Errors: `REFUSED` there is nothing, or with `write` nobody who reads; `PERMISSION` a symbolic link, or somebody
   *   else's; `ADDRESS_INVALID` no FIFO.
   */
  static open(path: string, options: FifoOpenOptions = {}): Fifo {
    return Fifo.#open(path, 'open', options)
  }

  /** Opens what has this name, and makes it where there is nothing; of two who do, one makes it. Errors: as theirs. */
  static openOrCreate(
    path: string,
    { mode = 0o600, ...options }: FifoCreateOptions & FifoOpenOptions = {},
  ): Fifo {
    for (;;) {
      const made = make(path, mode)
      if (made < 0 && made !== EEXIST) throw kernelError(made, 'open', `fifo:${path}`, CREATING)
      try {
        return Fifo.#open(path, 'open', made < 0 ? options : { ...options, mode })
      } catch (error) {
        const { errno } = ((error as Error).cause ?? {}) as { errno?: number }
        // Somebody has removed it between the two calls.
        if (errno !== ENOENT) throw error
      }
    }
  }

  static #open(
    path: string,
    operation: string,
    { access = 'both', owner, mode }: FifoOpenOptions & { mode?: number },
  ): Fifo {
    const name = `fifo:${path}`
    const system = native(operation)
    // First what the name means, then, if it is right, that and nothing else: opening a device can do harm.
    const found = check(system.open(path, O_PATH | O_NOFOLLOW, 0), operation, name, OPENING)
    try {
      const identity = fstatSync(found)
      refuse(identity, operation, name, owner)
      const same = `/proc/self/fd/${found}`
      if (mode !== undefined && (identity.mode & 0o7777) !== mode) chmodSync(same, mode)
      const opened = check(system.open(same, FLAGS[access] | O_NONBLOCK, 0), operation, name, OPENING)
      return new Fifo(path, opened, access, identity)
    } finally {
      system.close(found)
    }
  }

  /** Where bytes come out; closing it closes the FIFO. Throws `TypeError` when this was opened for writing. */
  get reader(): PipeReader {
    if (this.access === 'write') throw new TypeError('the FIFO is open for writing only')
    return this.#reader
  }

  /** Where bytes go in; closing it closes the FIFO. Throws `TypeError` when this was opened for reading. */
  get writer(): PipeWriter {
    if (this.access === 'read') throw new TypeError('the FIFO is open for reading only')
    return this.#writer
  }

  /** Removes the name, if it is still this FIFO's. Whether it was. Who has it open keeps it. */
  unlink(): boolean {
    const there = lstatSync(this.path, { throwIfNoEntry: false })
    if (there?.ino !== this.#identity.ino || there.dev !== this.#identity.dev) return false
    unlinkSync(this.path)
    return true
  }

  /** Closes it, both ends; the name stays. Idempotent. */
  close(): void {
    this.#pollable.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function make(path: string, mode: number): number {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw new RangeError(`mode is 0 to 0o777, not ${mode}`)
  if (path.includes('\0')) throw new TypeError('a path has no zero byte')
  return native('create').mkfifo(path, mode)
}

function refuse(found: Stats, operation: string, name: string, owner: number | undefined): void {
  const fail = (code: 'PERMISSION' | 'ADDRESS_INVALID', reason: string) =>
    new StraitError(code, reason, { operation, url: name })
  if (found.isSymbolicLink()) throw fail('PERMISSION', 'a symbolic link stands there')
  if (!found.isFIFO()) throw fail('ADDRESS_INVALID', 'what stands there is not a FIFO')
  if (![process.geteuid?.(), 0, owner].includes(found.uid))
    throw fail('PERMISSION', `the FIFO belongs to user ${found.uid}; name that user as \`owner\` to trust it`)
}

const CREATING: Meanings = {
  EEXIST: ['ADDRESS_IN_USE', 'something stands there already'],
  ENOENT: ['ADDRESS_INVALID', 'the directory does not exist'],
}

const OPENING: Meanings = {
  ENOENT: ['REFUSED', 'nothing stands there'],
  ENXIO: ['REFUSED', 'nobody reads'],
}
