import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  type Stats,
  unlinkSync,
} from 'node:fs'
import { type PeerInfo, StraitError } from '@strait/core'
import { check, kernelError, type Meanings, native } from './native.js'
import { decodeAddress, encodeAddress, nameOf, type UnixAddress } from './unix-address.js'

/** stream: bytes; seqpacket: messages over a connection; datagram: messages to addresses. */
export type UnixKind = 'stream' | 'seqpacket' | 'datagram'

const O_PATH = 0o10000000
const EADDRINUSE = -98
const ECONNREFUSED = -111

/** The number of the kind, socket(2). */
export function typeOf(kind: UnixKind): number {
  const { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM } = native()
  const type = { stream: SOCK_STREAM, seqpacket: SOCK_SEQPACKET, datagram: SOCK_DGRAM }[kind]
  if (type === undefined) throw new TypeError(`kind is stream, seqpacket or datagram, not ${kind}`)
  return type
}

export function open(kind: UnixKind, operation: string): number {
  return check(native(operation).socket(typeOf(kind)), operation, 'unix:')
}

/** The kind of a Unix socket that is open. Errors: `ADDRESS_INVALID`. */
export function kindOf(descriptor: number, name: string): UnixKind {
  const system = native('open')
  const type = system.socketOption(descriptor, system.SO_TYPE)
  const unix = type >= 0 && system.socketOption(descriptor, system.SO_DOMAIN) === AF_UNIX
  const kinds: Record<number, UnixKind> = {
    [system.SOCK_STREAM]: 'stream',
    [system.SOCK_SEQPACKET]: 'seqpacket',
    [system.SOCK_DGRAM]: 'datagram',
  }
  const kind = unix ? kinds[type] : undefined
  if (kind !== undefined) return kind
  throw new StraitError('ADDRESS_INVALID', 'it is not a Unix socket', { operation: 'open', url: name })
}

const AF_UNIX = 1

export function addressOf(descriptor: number, name: string): UnixAddress | undefined {
  const address = new Uint8Array(108)
  const length = check(native().socketName(descriptor, address), 'address', name)
  return decodeAddress(address.subarray(0, length))
}

/**
 * Who was at the other end when the connection was made, on the kernel's word; SO_PEERCRED, unix(7). undefined: not
 * connected. A process of another PID namespace has no pid here.
 */
export function peerCredentials(descriptor: number, name: string): PeerInfo | undefined {
  const credentials = new Int32Array(3)
  check(native().peerCredentials(descriptor, credentials), 'peer', name)
  const [pid = 0, uid = -1, gid = -1] = credentials
  if (uid === -1) return undefined
  return { pid: pid > 0 ? pid : undefined, uid: uid >>> 0, gid: gid >>> 0 }
}

/** A new socket with this address. A path has its mode before anybody can find it. */
export function bindPath(
  address: UnixAddress,
  kind: UnixKind,
  mode: number,
  operation: string,
): { descriptor: number; identity: Stats | undefined } {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw new RangeError(`mode is 0 to 0o777, not ${mode}`)
  const bytes = encodeAddress(address, operation)
  const descriptor = open(kind, operation)
  try {
    // The file gets the mode of the socket, less the umask.
    if (typeof address === 'string') fchmodSync(descriptor, mode)
    const result = native().bind(descriptor, bytes)
    if (result === EADDRINUSE && typeof address === 'string' && isDead(bytes, kind))
      throw kernelError(result, operation, nameOf(address), DEAD)
    check(result, operation, nameOf(address), BINDING)
    return { descriptor, identity: typeof address === 'string' ? identify(address, mode) : undefined }
  } catch (error) {
    native().close(descriptor)
    throw error
  }
}

/** Which file it is that was bound, with what the umask took off its mode. */
function identify(path: string, mode: number): Stats {
  const found = openSync(path, O_PATH | constants.O_NOFOLLOW)
  try {
    const identity = fstatSync(found)
    if (identity.isSocket() && (identity.mode & 0o777) !== mode) chmodSync(`/proc/self/fd/${found}`, mode)
    return identity
  } finally {
    closeSync(found)
  }
}

/** Removes the name if it is still this file's. */
export function unlinkOwn(path: string, { ino, dev }: Stats): void {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there?.ino === ino && there.dev === dev) unlinkSync(path)
}

/** Whether the socket of this path was left behind by somebody who is gone. */
function isDead(bytes: Uint8Array, kind: UnixKind): boolean {
  const descriptor = open(kind, 'connect')
  const result = native().connect(descriptor, bytes)
  native().close(descriptor)
  return result === ECONNREFUSED
}

const BINDING: Meanings = {
  EADDRINUSE: ['ADDRESS_IN_USE', 'something has this address already'],
  ENOENT: ['ADDRESS_INVALID', 'the directory does not exist'],
}

const DEAD: Meanings = {
  EADDRINUSE: [
    'ADDRESS_IN_USE',
    'what stands there is no socket, or one whose process is gone; remove it first',
  ],
}
