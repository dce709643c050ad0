import { readFileSync } from 'node:fs'
import { StraitError } from '@strait/core'
import { check, kernelError, type Meanings, native } from './native.js'
import { checkKey, removedMeanings, showKey, sysvMeanings } from './sysv-key.js'

export interface SysvMessageQueueCreateOptions {
  /** Who may receive (read) and send (write), whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

export interface SysvMessageQueueOpenOptions {
  /** The uid of a user whose queue is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

export interface SysvMessageQueueAttributes {
  /** How many are in it now, and their bytes. */
  readonly messages: number
  readonly bytes: number
  /** Bytes of all messages that it holds at most. */
  readonly maxBytes: number
  /** The process that sent or received last; undefined: nobody yet, or one of another PID namespace. */
  readonly lastSender: number | undefined
  readonly lastReceiver: number | undefined
}

const FINDING = sysvMeanings('queue', 'q', 'kernel.msgmni')

/** Of a queue that was there. */
export const MEANINGS: Meanings = removedMeanings(FINDING)

const ENOENT = -2
const EINVAL = -22
const EIDRM = -43

/** What errors call it. */
export const nameOf = (key: number): string => `System V queue ${showKey(key)}`

/** The number of a new queue; key 0: it shall have none. */
export function makeQueue(
  key: number,
  name: string,
  { mode = 0o600 }: SysvMessageQueueCreateOptions,
): number {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw new RangeError(`mode is 0 to 0o777, not ${mode}`)
  const { msgGet, IPC_CREAT, IPC_EXCL } = native('create')
  return check(msgGet(key, IPC_CREAT | IPC_EXCL, mode), 'create', name, FINDING)
}

/** The number of the queue that has the key. */
export const findQueue = (key: number): number =>
  check(native('open').msgGet(checkKey(key), 0, 0), 'open', nameOf(key), FINDING)

/** Its key, if it has one, and if it may be trusted: it is ours, root's, or the owner's. */
export function inspectQueue(id: number, name: string, owner: number | undefined): number {
  const state = new Int32Array(9)
  check(native('open').msgState(id, state), 'open', name, {
    ...FINDING,
    EINVAL: ['REFUSED', 'there is no queue with this number; `ipcs -q` shows all'],
  })
  const [key = 0, , uid = 0] = state
  if ([process.geteuid?.(), 0, owner].includes(uid >>> 0)) return key
  const reason = `it belongs to user ${uid >>> 0}; name that user as \`owner\` to trust it`
  throw new StraitError('PERMISSION', reason, { operation: 'open', url: name })
}

export function attributesOf(id: number, name: string): SysvMessageQueueAttributes {
  const state = new Int32Array(9)
  check(native().msgState(id, state), 'attributes', name, MEANINGS)
  const [, , , , messages = 0, bytes = 0, maxBytes = 0, lastSender, lastReceiver] = state
  return {
    messages,
    bytes,
    maxBytes,
    lastSender: lastSender || undefined,
    lastReceiver: lastReceiver || undefined,
  }
}

/** Whether it was there until now. */
export function removeQueue(id: number, name: string): boolean {
  const result = native('unlink').msgRemove(id)
  if (result === EINVAL || result === EIDRM) return false
  return check(result, 'unlink', name, FINDING) >= 0
}

/** The same by its key. */
export function unlinkQueue(key: number): boolean {
  const id = native('unlink').msgGet(checkKey(key), 0, 0)
  return id !== ENOENT && removeQueue(check(id, 'unlink', nameOf(key), FINDING), nameOf(key))
}

/** EINVAL says of a message both that it is longer than any may be, and that its queue is gone. */
export function sendingError(result: number, length: number, name: string): StraitError {
  const most = result === EINVAL ? longest() : Number.POSITIVE_INFINITY
  if (length <= most) return kernelError(result, 'send', name, MEANINGS)
  const reason = `a message has at most ${most} bytes, not ${length}; \`sysctl kernel.msgmax\` shows it`
  return new StraitError('TOO_LARGE', reason, { operation: 'send', url: name })
}

const longest = (): number => Number(readFileSync('/proc/sys/kernel/msgmax', 'utf8'))
