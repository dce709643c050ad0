import { constants, fchmodSync } from 'node:fs'
import { StraitError } from '@strait/core'
import { check, type Meanings, native } from './native.js'
import { checkLength } from './scratch.js'

const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants
export const ENOENT = -2
export const EEXIST = -17

/** Of a name with its slash, in bytes: NAME_MAX and one. */
const LONGEST_NAME = 256

/** What the object may be used for. */
export type MessageQueueAccess = 'both' | 'read' | 'write'

const FLAGS: Record<MessageQueueAccess, number> = { both: O_RDWR, read: O_RDONLY, write: O_WRONLY }

export interface MessageQueueCreateOptions {
  /** Messages that it holds. All its room counts against the user's limit as long as it exists. 10 unless told. */
  maxMessages?: number | undefined
  /** Of each message, in bytes. 8,192 unless told. */
  maxMessageSize?: number | undefined
  /** Who may open it, whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

export interface MessageQueueOpenOptions {
  /** `both` unless told. `read` and `write` need only that right, and allow only that. */
  access?: MessageQueueAccess | undefined
  /** The uid of a user whose queue is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

export const OPENING: Meanings = {
  ENOENT: ['REFUSED', 'there is no queue of this name'],
  EACCES: ['PERMISSION', 'its mode forbids it'],
  EPERM: ['PERMISSION', 'it belongs to somebody else'],
  ENOSYS: ['NOT_SUPPORTED', 'this kernel has no POSIX message queues'],
}

export const CREATING: Meanings = {
  EEXIST: ['ADDRESS_IN_USE', 'a queue of this name exists already'],
  EMFILE: [
    'NO_RESOURCES',
    "this user's queues would be too large together, or too many files are open; `ulimit -q` shows how many bytes all queues may have, `ulimit -n` how many files",
  ],
  ENOSPC: [
    'NO_RESOURCES',
    'there are too many queues; `sysctl fs.mqueue.queues_max` shows how many there may be',
  ],
  EINVAL: [
    'NO_RESOURCES',
    'a queue may not hold so many messages, or such long ones; `sysctl fs.mqueue.msg_max fs.mqueue.msgsize_max` shows how many',
  ],
  ENOSYS: ['NOT_SUPPORTED', 'this kernel has no POSIX message queues'],
}

/** A descriptor of what has this name, or the error number, negated. */
export function findQueue(name: string, access: MessageQueueAccess): number {
  checkName(name, 'open')
  return native('open').mqOpen(name, flagsOf(access), 0, 0, 0)
}

/** A descriptor of a new queue, or the error number, negated. */
export function makeQueue(
  name: string,
  operation: string,
  access: MessageQueueAccess,
  { maxMessages = 10, maxMessageSize = 8192, mode = 0o600 }: MessageQueueCreateOptions,
): number {
  checkName(name, operation)
  checkLength('maxMessages', maxMessages)
  checkLength('maxMessageSize', maxMessageSize)
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw new RangeError(`mode is 0 to 0o777, not ${mode}`)
  const flags = flagsOf(access) | O_CREAT | O_EXCL
  const descriptor = native(operation).mqOpen(name, flags, mode, maxMessages, maxMessageSize)
  if (descriptor >= 0) fchmodSync(descriptor, mode)
  return descriptor
}

function flagsOf(access: MessageQueueAccess): number {
  if (!Object.hasOwn(FLAGS, access)) throw new TypeError(`access is both, read or write, not ${access}`)
  return FLAGS[access] | O_NONBLOCK
}

/** Removes a name; whether there was one. */
export function unlinkQueue(name: string): boolean {
  checkName(name, 'unlink')
  const result = native('unlink').mqUnlink(name)
  if (result !== ENOENT) check(result, 'unlink', `queue ${name}`, OPENING)
  return result !== ENOENT
}

function checkName(name: string, operation: string): void {
  const reason =
    !/^\/[^/\0]+$/.test(name) || name === '/.' || name === '/..'
      ? 'a name is a slash and what follows it, without another one: /jobs'
      : Buffer.byteLength(name) > LONGEST_NAME
        ? `a name has at most ${LONGEST_NAME - 1} bytes after its slash`
        : undefined
  if (reason !== undefined)
    throw new StraitError('ADDRESS_INVALID', reason, { operation, url: `queue ${name}` })
}
