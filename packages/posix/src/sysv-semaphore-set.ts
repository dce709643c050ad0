import { StraitError } from '@strait/core'
import { check, type Meanings, native } from './native.js'
import { checkLength } from './scratch.js'
import { checkKey, removedMeanings, showKey, sysvMeanings } from './sysv-key.js'

export interface SysvSemaphoreUndoOptions {
  /**
   * Whether the kernel takes back what this process has done to the permits when it ends, whichever way; `SEM_UNDO` of
   * semop(2). For permits that whoever acquires them also releases. Default: false.
   */
  undo?: boolean | undefined
}

export interface SysvSemaphoreCreateOptions extends SysvSemaphoreUndoOptions {
  /** Who may look (read) and acquire and release (write), whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

export interface SysvSemaphoreOpenOptions extends SysvSemaphoreUndoOptions {
  /** The uid of a user whose semaphore is trusted, besides this process's own user and root. */
  owner?: number | undefined
  /** Which one of a set that another program has made. 0 unless told. */
  index?: number | undefined
}

/** SEMVMX. */
const MOST = 32_767

const FINDING = sysvMeanings('semaphore', 's', 'kernel.sem')

/** Of a semaphore that was there. */
export const MEANINGS: Meanings = {
  ...removedMeanings(FINDING),
  ERANGE: ['NO_RESOURCES', `a System V semaphore has at most ${MOST} permits`],
}

const EINVAL = -22
const EIDRM = -43
const ENOENT = -2

/** What errors call it. */
export const nameOf = (key: number): string => `System V semaphore ${showKey(key)}`

/** A number of permits. - Errors: `RangeError`. */
export const checkCount = (name: string, count: number, least = 1): number =>
  checkLength(name, count, least, MOST)

/**
 * The number of a new set of one; key 0: it shall have none. It comes without permits, and gets them after: who finds it
 * between waits for one, as for any other.
 */
export function makeSet(
  key: number,
  name: string,
  initial: number,
  { mode = 0o600 }: SysvSemaphoreCreateOptions,
): number {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw new RangeError(`mode is 0 to 0o777, not ${mode}`)
  checkCount('initial', initial, 0)
  const { semsetGet, semsetOperate, semsetRemove, IPC_CREAT, IPC_EXCL } = native('create')
  const id = check(semsetGet(key, 1, IPC_CREAT | IPC_EXCL, mode), 'create', name, FINDING)
  try {
    // Also of none: other programs take a set that nobody has operated on (`sem_otime`) for one that is not ready.
    check(semsetOperate(id, 0, initial, false, 0), 'create', name, FINDING)
    return id
  } catch (error) {
    semsetRemove(id)
    throw error
  }
}

/** The number of the set that has the key. */
export const findSet = (key: number): number =>
  check(native('open').semsetGet(checkKey(key), 0, 0, 0), 'open', nameOf(key), FINDING)

/** Its key, if it has one, and if it may be trusted and has so many semaphores: it is ours, root's, or the owner's. */
export function inspectSet(id: number, name: string, { owner, index = 0 }: SysvSemaphoreOpenOptions): number {
  const state = new Int32Array(4)
  const count = check(native('open').semsetState(id, state), 'open', name, {
    ...FINDING,
    EINVAL: ['REFUSED', 'there is no semaphore with this number; `ipcs -s` shows all'],
  })
  const [key = 0, , uid = 0] = state
  if (![process.geteuid?.(), 0, owner].includes(uid >>> 0)) {
    const reason = `it belongs to user ${uid >>> 0}; name that user as \`owner\` to trust it`
    throw new StraitError('PERMISSION', reason, { operation: 'open', url: name })
  }
  checkLength('index', index, 0, count - 1)
  return key
}

/** Whether it was there until now. */
export function removeSet(id: number, name: string): boolean {
  const result = native('unlink').semsetRemove(id)
  if (result === EINVAL || result === EIDRM) return false
  return check(result, 'unlink', name, FINDING) >= 0
}

/** The same by its key. */
export function unlinkSet(key: number): boolean {
  const id = native('unlink').semsetGet(checkKey(key), 0, 0, 0)
  return id !== ENOENT && removeSet(check(id, 'unlink', nameOf(key), FINDING), nameOf(key))
}
