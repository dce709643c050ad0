import { statSync } from 'node:fs'
import { StraitError } from '@strait/core'
import { systemError } from '@strait/core/node'
import type { Meanings } from './native.js'

/**
 * A key made of a file and a small number, as ftok(3) makes it, so that programs that know the same file find the same
 * System V object. Other files may give the same key: what is found may be somebody else's. A file that is removed and
 * made again gives another one.
 *
 * @param project from 1 to 255
 * - Errors: `RangeError`; `ADDRESS_INVALID` there is no such file; `PERMISSION`.
 */
export function keyOf(path: string, project = 1): number {
  if (!Number.isInteger(project) || project < 1 || project > 255)
    throw new RangeError(`project is from 1 to 255, not ${project}`)
  const { ino, dev } = statOf(path)
  return Number(BigInt.asIntN(32, (ino & 0xffffn) | ((dev & 0xffn) << 16n) | (BigInt(project) << 24n)))
}

/** ftok(3) says -1 here, which many take for a key. */
function statOf(path: string) {
  try {
    return statSync(path, { bigint: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw systemError(error, 'key', path)
    throw new StraitError('ADDRESS_INVALID', `there is no such file (${code})`, {
      operation: 'key',
      url: path,
      cause: error,
    })
  }
}

/**
 * A key as the kernel has it, a signed number; 0x80000000 and above may be given as ipcs(1) shows them. 0 is no key but
 * IPC_PRIVATE. - Errors: `RangeError`.
 */
export function checkKey(key: number): number {
  if (Number.isInteger(key) && key !== 0 && key >= -(2 ** 31) && key < 2 ** 32) return key | 0
  throw new RangeError(`a key is a whole number of 32 bits, and not 0; it is ${key}`)
}

/** A key as ipcs(1) shows it. */
export const showKey = (key: number): string => `0x${(key >>> 0).toString(16).padStart(8, '0')}`

/**
 * What errors mean while a kind of System V object is made or found; `kind` is its letter for ipcs(1), `limits` are
 * settings.
 */
export function sysvMeanings(what: string, kind: 'm' | 'q' | 's', limits: string): Meanings {
  return {
    EEXIST: ['ADDRESS_IN_USE', `a ${what} with this key exists already; \`ipcs -${kind}\` shows whose`],
    ENOENT: ['REFUSED', `there is no ${what} with this key; \`ipcs -${kind}\` shows all`],
    EIDRM: ['CLOSED', 'it was removed'],
    EACCES: ['PERMISSION', `its mode forbids it; \`ipcs -${kind}\` shows its owner`],
    EPERM: ['PERMISSION', `it is somebody else's; \`ipcs -${kind}\` shows its owner`],
    ENOSPC: [
      'NO_RESOURCES',
      `there are too many on this machine; \`sysctl ${limits}\` and \`ipcs -l\` show the limits`,
    ],
    ENOSYS: ['NOT_SUPPORTED', 'this kernel has no System V objects'],
  }
}

/** The same of an object that was there: the number of one that was removed is EINVAL. */
export const removedMeanings = (meanings: Meanings): Meanings => ({
  ...meanings,
  EINVAL: ['CLOSED', 'it was removed'],
})
