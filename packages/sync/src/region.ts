import { fstatSync } from 'node:fs'
import { StraitError } from '@strait/core'
import { check, native, SharedMemory } from '@strait/posix'
import { Attachment, isRetired } from './attachment.js'
import { layout } from './layout.js'

/** A region as plain data, for `workerData` or `postMessage`. It counts in this process, while it is open here. */
export interface SharedRegion {
  readonly descriptor: number
  readonly name?: string | undefined
  /** Which file it is, so that a descriptor that has become another one is noticed. */
  readonly device?: number
  readonly inode?: number
}

const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,40}$/

/** Of this environment, by what they are. */
const attachments = new Map<string, { attachment: Attachment; users: number }>()

/** A process that exits in an orderly way leaves no name behind; the addon sees to a thread that is terminated. */
function closeAll(): void {
  for (const { attachment } of attachments.values()) attachment.close()
}

/** Its name under /dev/shm: users do not get in each other's way. */
const fileOf = (name: string, operation: string): string => {
  if (NAME.test(name)) return `strait.lock.${process.geteuid?.()}.${name}`
  throw new StraitError('ADDRESS_INVALID', 'a name is 1 to 40 of A-Z a-z 0-9 . _ -', { operation, url: name })
}

/** The same memory by a descriptor of its own; the one that is given stays the caller's. */
function reopen(descriptor: number): SharedMemory {
  const O_RDWR = 2
  const own = check(
    native('open').open(`/proc/self/fd/${descriptor}`, O_RDWR, 0),
    'open',
    `region ${descriptor}`,
    {
      ENOENT: ['ADDRESS_INVALID', 'the descriptor is not open'],
    },
  )
  try {
    return SharedMemory.fromDescriptor(own)
  } catch (error) {
    native().close(own)
    throw error
  }
}

/**
 * Memory in which locks and their kin live, up to 255 by their names; up to 255 threads with an event loop share it, of
 * whichever processes of one user, and of one PID namespace.
 *
 * - Ownership: `close` lets go of it here. A region with a name ends with the last who has it open: the name goes then.
 *   What a process that was killed leaves of it, the next that opens it takes over, or `strait rm --dead` removes.
 * - Owner death: a process that is killed, or a worker that ends, loses everything that it holds; each primitive says what
 *   that means. Closing a region while something of it is held counts as the same.
 * - Trust: who can open it can write anything into it, and so hold up or mislead the others. It is private to the user.
 */
export class Region implements Disposable {
  /** Undefined: it has none. */
  readonly name: string | undefined
  readonly #key: string
  readonly #attachment: Attachment
  #closed = false

  private constructor(memory: SharedMemory, name?: string) {
    const { dev, ino } = fstatSync(memory.descriptor)
    this.name = name
    this.#key = `${dev}:${ino}`
    const known = attachments.get(this.#key)
    if (known !== undefined) {
      known.users++
      this.#attachment = known.attachment
      memory.close()
      return
    }
    try {
      const { size } = layout()
      if (memory.size < size) {
        throw new StraitError('REFUSED', `it has ${memory.size} bytes; a region has ${size}`, {
          operation: 'open',
          url: name ?? `region ${memory.descriptor}`,
        })
      }
      const path = name === undefined ? undefined : `/dev/shm/${fileOf(name, 'open')}`
      this.#attachment = new Attachment(memory, name ?? `region ${memory.descriptor}`, path)
    } catch (error) {
      if (isRetired(error)) memory.unlink()
      memory.close()
      throw error
    }
    if (attachments.size === 0 && !process.listeners('exit').includes(closeAll)) process.on('exit', closeAll)
    attachments.set(this.#key, { attachment: this.#attachment, users: 1 })
  }

  /** Bytes that a region takes, at the beginning of the memory. */
  static get size(): number {
    return layout().size
  }

  /**
   * Makes a region that others open by its name.
   *
   * - Errors: `ADDRESS_INVALID` the name; `ADDRESS_IN_USE`; `NO_RESOURCES` /dev/shm is full, or there can be no more
   *   threads; `NOT_SUPPORTED`.
   */
  static create(name: string): Region {
    const file = fileOf(name, 'create')
    return Region.#named(name, () => {
      const memory = SharedMemory.openOrCreate(file, layout().size)
      if (memory.created) return memory
      // Unless it has come to its end, in which case this throws what is tried again.
      try {
        new Region(memory, name).close()
      } catch (error) {
        if (isRetired(error)) throw error
      }
      throw new StraitError('ADDRESS_IN_USE', 'a region of this name exists already', {
        operation: 'create',
        url: name,
      })
    })
  }

  /** Opens one by its name. - Errors: `REFUSED` there is none; those of `create`. */
  static open(name: string): Region {
    const file = fileOf(name, 'open')
    return Region.#named(name, () => SharedMemory.open(file))
  }

  /** Opens one by its name, or makes it. - Errors: those of both. */
  static openOrCreate(name: string): Region {
    const file = fileOf(name, 'open')
    return Region.#named(name, () => SharedMemory.openOrCreate(file, layout().size))
  }

  /** The last user of a region is just leaving it: the name goes, and it is tried again. */
  static #named(name: string, open: () => SharedMemory): Region {
    for (;;) {
      try {
        return new Region(open(), name)
      } catch (error) {
        if (!isRetired(error)) throw error
      }
    }
  }

  /** Makes a region without a name, for the threads of this process, and whoever gets its descriptor. */
  static anonymous(): Region {
    return new Region(SharedMemory.anonymous(layout().size, { seals: ['shrink', 'grow'], reserve: false }))
  }

  /**
   * In the first `Region.size` bytes of memory that others have as well. Memory that is all zeros is a new region.
   *
   * - Errors: `REFUSED` it is too small; `ADDRESS_INVALID` there is something else in it.
   */
  static over(memory: SharedMemory): Region {
    return new Region(reopen(memory.descriptor))
  }

  /**
   * What another thread shares, or a descriptor that was inherited: `Region.from({ descriptor: 3 })`. The descriptor
   * stays whose it is.
   *
   * - Errors: `ADDRESS_INVALID` it is none, or not the same any more.
   */
  static from({ descriptor, name, device, inode }: SharedRegion): Region {
    const memory = reopen(descriptor)
    const { dev, ino } = fstatSync(memory.descriptor)
    if ((device !== undefined && device !== dev) || (inode !== undefined && inode !== ino)) {
      memory.close()
      throw new StraitError('ADDRESS_INVALID', 'it is not open any more where it was shared', {
        operation: 'open',
        url: name ?? `region ${descriptor}`,
      })
    }
    return new Region(memory, name)
  }

  /** Removes a name, so that the next who opens it makes another region. Whether there was one. */
  static unlink(name: string): boolean {
    return SharedMemory.unlink(fileOf(name, 'unlink'))
  }

  get closed(): boolean {
    return this.#closed || this.#attachment.closed
  }

  /** To pass on, to the `stdio` of a child or over a Unix socket; it stays this object's. */
  get descriptor(): number {
    return this.attachment.memory.descriptor
  }

  /** For the primitives. - Errors: `CLOSED`. */
  get attachment(): Attachment {
    if (!this.closed) return this.#attachment
    throw new StraitError('CLOSED', 'the region is closed', { operation: 'use', url: this.name ?? 'region' })
  }

  /** For a thread of this process, which calls `Region.from`; keep the region open until then. */
  share(): SharedRegion {
    const { dev, ino } = fstatSync(this.descriptor)
    return { descriptor: this.descriptor, name: this.name, device: dev, inode: ino }
  }

  /** Removes the name, if it still is this region's. */
  unlink(): boolean {
    return this.attachment.memory.unlink()
  }

  /** Who waits here gets `CLOSED`, once nobody in this thread has the region open. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const known = attachments.get(this.#key)
    if (known === undefined || known.attachment !== this.#attachment || --known.users > 0) return
    attachments.delete(this.#key)
    this.#attachment.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
