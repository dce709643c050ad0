import { StraitError } from '@strait/core'
import { Mapping } from './mapping.js'
import { createNamed, isSystem, memoryStats, openNamed, unlinkNamed } from './memory-object.js'
import { check, type Meanings, native } from './native.js'
import { checkPermits, PosixSemaphore } from './semaphore.js'

export interface NamedSemaphoreCreateOptions {
  /** Who may open it, whatever the umask says; it takes reading and writing. 0o600 unless told. */
  mode?: number | undefined
}

export interface NamedSemaphoreOpenOptions {
  /** The uid of a user whose semaphore is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

/** Of a name with its slash, in bytes: with `sem.` in its place it is a file's. */
const LONGEST_NAME = 252

const MEANINGS: Meanings = {
  EEXIST: ['ADDRESS_IN_USE', 'a semaphore of this name exists already'],
  ENOENT: ['REFUSED', 'there is no semaphore of this name'],
  ELOOP: ['PERMISSION', 'it is a symbolic link'],
  ENXIO: ['ADDRESS_INVALID', 'what stands there is no semaphore'],
  EISDIR: ['ADDRESS_INVALID', 'what stands there is no semaphore'],
}

/**
 * A POSIX semaphore with a name; sem_open(3). A program in C opens the same one, and Python's `multiprocessing` has no
 * others. glibc keeps `/jobs` in the file /dev/shm/sem.jobs. See {@link PosixSemaphore} for what holds of all.
 *
 * - Ownership: opening never removes anything. A name stays, with the permits, until somebody calls `unlink`; the
 *   semaphore stays until then and until nobody has it open.
 */
export class NamedSemaphore extends PosixSemaphore {
  /** With its slash. */
  readonly name: string
  /** Whether this object has made the semaphore. */
  readonly created: boolean
  readonly #descriptor: number

  private constructor(descriptor: number, name: string, created: boolean) {
    super(Mapping.of(descriptor, native().SEM_SIZE, true, `semaphore ${name}`), 0, `semaphore ${name}`)
    this.#descriptor = descriptor
    this.name = name
    this.created = created
  }

  /** On an error, the descriptor that we have opened ourselves goes. */
  static #map(descriptor: number, name: string, created: boolean): NamedSemaphore {
    try {
      const { size } = memoryStats(descriptor, 'open', `semaphore ${name}`)
      if (size >= native().SEM_SIZE) return new NamedSemaphore(descriptor, name, created)
      const reason = `what stands there is no semaphore: it has ${size} bytes`
      throw new StraitError('ADDRESS_INVALID', reason, { operation: 'open', url: `semaphore ${name}` })
    } catch (error) {
      native().close(descriptor)
      throw error
    }
  }

  /**
   * Makes a semaphore with so many permits. Nobody finds it half made. A name is a slash and 1 to 251 bytes without
   * another.
   *
   * - Errors: `RangeError`; `ADDRESS_INVALID` the name; `ADDRESS_IN_USE`; `NO_RESOURCES` /dev/shm is full;
   *   `NOT_SUPPORTED`.
   */
  static create(
    name: string,
    initial = 0,
    { mode = 0o600 }: NamedSemaphoreCreateOptions = {},
  ): NamedSemaphore {
    const path = pathOf(name, 'create')
    checkPermits('initial', initial)
    const { semImage, SEM_SIZE } = native('create')
    const content = new Uint8Array(SEM_SIZE)
    check(semImage(content, initial), 'create', path)
    const descriptor = createNamed(path, SEM_SIZE, mode, { content, meanings: MEANINGS })
    return NamedSemaphore.#map(descriptor, name, true)
  }

  /**
   * Opens what has this name.
   *
   * - Errors: `ADDRESS_INVALID` the name, or it is no semaphore; `REFUSED` there is none; `PERMISSION` its mode, or it is
   *   another user's, or a symbolic link; `NOT_SUPPORTED`.
   */
  static open(name: string, { owner }: NamedSemaphoreOpenOptions = {}): NamedSemaphore {
    return NamedSemaphore.#map(openNamed(pathOf(name, 'open'), false, owner, MEANINGS), name, false)
  }

  /**
   * Opens what has this name, and makes it where there is nothing; of those who start at once, exactly one makes it, and
   * its `created` is true. Errors: those of both.
   */
  static openOrCreate(
    name: string,
    initial = 0,
    { mode, owner }: NamedSemaphoreCreateOptions & NamedSemaphoreOpenOptions = {},
  ): NamedSemaphore {
    checkPermits('initial', initial)
    for (;;) {
      try {
        return NamedSemaphore.open(name, { owner })
      } catch (error) {
        if (!isSystem(error, 'ENOENT')) throw error
      }
      try {
        return NamedSemaphore.create(name, initial, { mode })
      } catch (error) {
        if (!isSystem(error, 'EEXIST')) throw error
      }
    }
  }

  /** Removes a name that somebody has left behind. Whether there was one. Who has the semaphore open keeps it. */
  static unlink(name: string): boolean {
    return unlinkNamed(pathOf(name, 'unlink'))
  }

  /** Removes the name, if it still is this semaphore's. Whether it was. - Errors: `CLOSED`; `PERMISSION`. */
  unlink(): boolean {
    this.ensureOpen('unlink')
    return unlinkNamed(pathOf(this.name, 'unlink'), this.#descriptor)
  }

  override close(): void {
    if (this.closed) return
    super.close()
    native().close(this.#descriptor)
  }
}

/** The file in which glibc keeps it. */
function pathOf(name: string, operation: string): string {
  const bytes = Buffer.byteLength(name)
  if (bytes >= 2 && bytes <= LONGEST_NAME && name.startsWith('/') && !/[/\0]/.test(name.slice(1)))
    return `/dev/shm/sem.${name.slice(1)}`
  throw new StraitError('ADDRESS_INVALID', 'a name is a slash and 1 to 251 bytes without another', {
    operation,
    url: name,
  })
}
