import { constants as limits } from 'node:buffer'
import { constants, fchmodSync, fstatSync, ftruncateSync, lstatSync, type Stats, unlinkSync } from 'node:fs'
import { totalmem } from 'node:os'
import { StraitError } from '@strait/core'
import { systemError } from '@strait/core/node'
import { check, kernelError, type Meanings, native } from './native.js'

/** What can be forbidden for ever about memory without a name; fcntl(2), "File Sealing". */
export type Seal = 'seal' | 'shrink' | 'grow' | 'write' | 'future-write'

export interface SharedMemoryCreateOptions {
  /** Who may open it, whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

export interface SharedMemoryOpenOptions {
  /**
   * What is written into the views then stays in this process, and from then on hides that page of the memory; nobody
   * else sees it. (JavaScript has no views that only read, and a fault would end the process.)
   */
  readonly?: boolean | undefined
  /** The uid of a user whose memory is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

export interface SharedMemoryAnonymousOptions {
  /** What is forbidden about it from the beginning. */
  seals?: readonly Seal[] | undefined
  /**
   * Whether it is taken from the machine at once, as all memory with a name is. Otherwise each page comes when it is first
   * touched, and where the machine then has none left, the kernel ends a process. Default: true.
   */
  reserve?: boolean | undefined
}

export interface SharedMemoryAdoptOptions {
  /** So many bytes are mapped, and memory of fewer is refused; by default all of it. */
  size?: number | undefined
  /** Seals that it must have. Demand `shrink` of whoever you do not trust: reaching beyond the end is SIGBUS. */
  seals?: readonly Seal[] | undefined
  /** As for `open`. Needed where it is sealed against writing. */
  readonly?: boolean | undefined
}

const DIRECTORY = '/dev/shm'
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/

const MEANINGS: Meanings = {
  EEXIST: ['ADDRESS_IN_USE', 'shared memory of this name exists already'],
  ENOENT: ['REFUSED', 'there is no shared memory of this name'],
  ELOOP: ['PERMISSION', 'it is a symbolic link'],
  ENXIO: ['ADDRESS_INVALID', 'what stands there is not shared memory'],
  EISDIR: ['ADDRESS_INVALID', 'what stands there is not shared memory'],
  ENOSPC: ['NO_RESOURCES', `${DIRECTORY} is full; \`df ${DIRECTORY}\` shows it`],
}

const UNNAMED: Meanings = {
  ENOSPC: ['NO_RESOURCES', 'no memory is left; `free` shows it'],
  EPERM: ['PERMISSION', 'a seal forbids it'],
}

const SEALING: Meanings = {
  EINVAL: ['NOT_SUPPORTED', 'it is a file, which cannot be sealed'],
  EPERM: ['PERMISSION', 'it is sealed against seals, as memory with a name always is'],
  EBUSY: ['REFUSED', 'somebody has it mapped for writing'],
}

/** Its path, which is also what errors call it. */
export function pathOf(name: string, operation: string): string {
  if (NAME.test(name)) return `${DIRECTORY}/${name}`
  throw new StraitError('ADDRESS_INVALID', 'a name is 1 to 64 of A-Z a-z 0-9 . _ -, without a slash', {
    operation,
    url: name,
  })
}

/** - Errors: `RangeError`; `NO_RESOURCES` it is more than the machine has. */
export function checkSize(size: number, operation: string, what: string): void {
  if (!Number.isSafeInteger(size) || size < 1 || size > limits.MAX_LENGTH) {
    throw new RangeError(`size must be a whole number of bytes from 1 to ${limits.MAX_LENGTH}; it is ${size}`)
  }
  if (size <= totalmem()) return
  throw new StraitError('NO_RESOURCES', `the machine has ${totalmem()} bytes of memory; \`free\` shows it`, {
    operation,
    url: what,
  })
}

/**
 * A descriptor of new memory with a name. Only when it is whole, of its size, with its memory reserved and what it shall
 * hold in it, does it get the name: nobody finds it half made, and who is killed meanwhile leaves nothing.
 */
export function createNamed(
  path: string,
  size: number,
  mode: number,
  { content, meanings = MEANINGS }: { content?: Uint8Array; meanings?: Meanings } = {},
): number {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw new RangeError(`mode is 0 to 0o777, not ${mode}`)
  const { open, linkDescriptor, write, close, O_TMPFILE } = native('create')
  const descriptor = check(open(DIRECTORY, O_TMPFILE | constants.O_RDWR, mode), 'create', path, {
    ENOENT: ['NOT_SUPPORTED', `there is no ${DIRECTORY}; mount a tmpfs there`],
    EOPNOTSUPP: ['NOT_SUPPORTED', `${DIRECTORY} is not a tmpfs; mount one there`],
    ENOSPC: ['NO_RESOURCES', `${DIRECTORY} is full; \`df -i ${DIRECTORY}\` shows it`],
  })
  try {
    fchmodSync(descriptor, mode)
    allocate(descriptor, size, 'create', path)
    if (content !== undefined) check(write(descriptor, content, 0, content.length), 'create', path)
    check(linkDescriptor(descriptor, path), 'create', path, meanings)
    return descriptor
  } catch (error) {
    close(descriptor)
    throw error
  }
}

/** A descriptor of the memory with this name, which is no link, and belongs to us, to root, or to `owner`. */
export function openNamed(
  path: string,
  readonly: boolean,
  owner: number | undefined,
  meanings: Meanings = MEANINGS,
): number {
  const { open, close } = native('open')
  // Not blocking: somebody may have put a FIFO there.
  const flags =
    (readonly ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const descriptor = check(open(path, flags, 0), 'open', path, meanings)
  try {
    const { uid } = memoryStats(descriptor, 'open', path)
    if ([process.geteuid?.(), 0, owner].includes(uid)) return descriptor
    throw new StraitError(
      'PERMISSION',
      `it belongs to user ${uid}; name that user as \`owner\` to trust it`,
      {
        operation: 'open',
        url: path,
      },
    )
  } catch (error) {
    close(descriptor)
    throw error
  }
}

export function createUnnamed(size: number, reserve: boolean, what: string): number {
  const { memfd, close } = native('create')
  const descriptor = check(memfd('strait'), 'create', what)
  try {
    if (reserve) allocate(descriptor, size, 'create', what)
    else truncate(descriptor, size, what)
    return descriptor
  } catch (error) {
    close(descriptor)
    throw error
  }
}

/** What the kernel says of it, if it is memory or a file, and not empty. */
export function memoryStats(descriptor: number, operation: string, what: string): Stats {
  let stats: Stats
  try {
    stats = fstatSync(descriptor)
  } catch (error) {
    throw kernelError((error as { errno: number }).errno, operation, what, {
      EBADF: ['ADDRESS_INVALID', 'the descriptor is not open'],
    })
  }
  const fail = (code: 'ADDRESS_INVALID' | 'REFUSED', reason: string) =>
    new StraitError(code, reason, { operation, url: what })
  if (!stats.isFile()) throw fail('ADDRESS_INVALID', 'it is not shared memory')
  if (stats.size === 0) throw fail('REFUSED', 'it is empty: who made it has not given it a size yet')
  return stats
}

/** Makes it at least that long, with the memory reserved. */
export function allocate(descriptor: number, size: number, operation: string, what: string): void {
  const meanings = what.startsWith(DIRECTORY) ? MEANINGS : UNNAMED
  check(native(operation).allocate(descriptor, size), operation, what, meanings)
}

export function truncate(descriptor: number, size: number, what: string): void {
  try {
    ftruncateSync(descriptor, size)
  } catch (error) {
    throw kernelError((error as { errno: number }).errno, 'resize', what, UNNAMED)
  }
}

/** Removes the name; where a descriptor is given, only while it is that object's. Whether it did. */
export function unlinkNamed(path: string, descriptor?: number): boolean {
  try {
    if (descriptor !== undefined) {
      const [named, ours] = [lstatSync(path), fstatSync(descriptor)]
      if (named.ino !== ours.ino || named.dev !== ours.dev) return false
    }
    unlinkSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw systemError(error, 'unlink', path)
  }
}

const bits = (): [Seal, number][] => {
  const { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE } = native('seal')
  return [
    ['seal', F_SEAL_SEAL],
    ['shrink', F_SEAL_SHRINK],
    ['grow', F_SEAL_GROW],
    ['write', F_SEAL_WRITE],
    ['future-write', F_SEAL_FUTURE_WRITE],
  ]
}

/** The seals of a descriptor; none where it can have none. */
export function sealsOf(descriptor: number): Seal[] {
  const set = native('seal').seals(descriptor)
  return set < 0 ? [] : bits().flatMap(([seal, bit]) => ((set & bit) === 0 ? [] : [seal]))
}

export function addSeals(descriptor: number, seals: readonly Seal[], what: string): void {
  const known = new Map(bits())
  const set = seals.reduce((sum, seal) => {
    const bit = known.get(seal)
    if (bit === undefined)
      throw new TypeError(`unknown seal '${seal}'; there are ${[...known.keys()].join(', ')}`)
    return sum | bit
  }, 0)
  if (set !== 0) check(native('seal').addSeals(descriptor, set), 'seal', what, SEALING)
}

/** Whether it is an error of the system with this name. */
export function isSystem(error: unknown, name: string): boolean {
  return StraitError.is(error) && (error.cause as NodeJS.ErrnoException | undefined)?.code === name
}
