import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { type ErrorCode, StraitError } from '@strait/core'
import { systemError } from '@strait/core/node'
import type { SyncNative } from './native-sync.js'

/** A poll of the addon; see native/poll.cc. */
export type PollHandle = { readonly poll: unique symbol }

/** A mapping of the addon; see native/memory.cc. */
export type RegionHandle = { readonly region: unique symbol }

/** A thread of the addon; see native/blocker.h. */
export type BlockerHandle = { readonly blocker: unique symbol }

/** One end of a pair of rings, of the addon; see native/rings.cc, also for what comes back. */
export interface Rings {
  read(): number
  readPatiently(): number
  setSlab(slab: Uint8Array): number
  borrow(patiently: boolean): number
  lentAt(): number
  giveBack(): number
  readInto(kind: number, target: Uint8Array, offset: number): number
  write(kind: number, body: Uint8Array, prefix: Uint8Array | undefined, patiently: boolean): number
  writeScratch(kindAndLength: number): number
  claim(length: number): number
  commit(kind: number, length: number): number
  wait(reading: boolean, writing: boolean, ms: number): number
  wake(): number
  stats(numbers: number[]): number
  close(): number
}

/**
 * The addon's functions, shaped like the system calls that they make: what comes back is `>= 0`, or the error number
 * negated. The files under native/ say what each takes.
 */
export interface Native extends SyncNative {
  open(path: string, flags: number, mode: number): number
  close(descriptor: number): number
  own(descriptor: number): number
  disown(descriptor: number): number
  pipe(flags: number, ends: Int32Array): number
  mkfifo(path: string, mode: number): number
  read(descriptor: number, target: Uint8Array, offset: number, length: number): number
  write(descriptor: number, source: Uint8Array, offset: number, length: number, more?: Uint8Array): number
  statusFlags(descriptor: number): number
  setStatusFlags(descriptor: number, flags: number): number
  closeOnExec(descriptor: number): number
  duplicate(descriptor: number): number
  pipeSize(descriptor: number): number
  setPipeSize(descriptor: number, bytes: number): number
  lockFile(descriptor: number, exclusive: boolean): number
  lockFileStart(blocker: BlockerHandle, descriptor: number): number

  socket(type: number): number
  socketpair(type: number, ends: Int32Array): number
  bind(descriptor: number, address: Uint8Array): number
  connect(descriptor: number, address: Uint8Array): number
  listen(descriptor: number, backlog: number): number
  accept(descriptor: number): number
  socketName(descriptor: number, address: Uint8Array): number
  peerCredentials(descriptor: number, pidUidGid: Int32Array): number
  shutdown(descriptor: number, how: number): number
  send(
    descriptor: number,
    first: Uint8Array,
    second?: Uint8Array,
    descriptors?: Int32Array,
    address?: Uint8Array,
  ): number
  /** `info`: flags, how many descriptors came, length of the address. */
  receive(
    descriptor: number,
    target: Uint8Array,
    offset: number,
    length: number,
    info: Int32Array,
    descriptors?: Int32Array,
    address?: Uint8Array,
  ): number
  socketOption(descriptor: number, name: number): number
  setSocketOption(descriptor: number, name: number, value: number): number

  pollOpen(descriptor: number, onEvents: (events: number) => void): PollHandle | number
  pollSet(poll: PollHandle, events: number): number
  pollClose(poll: PollHandle): number
  hold(): number
  release(): number
  pollNow(descriptor: number, events: number, other: number, otherEvents: number, ms: number): number

  memfd(name: string): number
  allocate(descriptor: number, size: number): number
  linkDescriptor(descriptor: number, path: string): number
  seals(descriptor: number): number
  addSeals(descriptor: number, seals: number): number
  mapMemory(descriptor: number, size: number, shared: boolean): RegionHandle | number
  memoryBuffer(region: RegionHandle): ArrayBuffer | number
  unmapMemory(region: RegionHandle, buffer?: ArrayBuffer): number
  readMemory(region: RegionHandle, at: number, target: Uint8Array, offset: number, length: number): number
  writeMemory(region: RegionHandle, at: number, source: Uint8Array, offset: number, length: number): number

  ringsSize(capacity: number): number
  ringsOpen(
    region: RegionHandle,
    capacity: number,
    first: boolean,
    bell: number,
    wait: number,
    peer: number,
    scarce: boolean,
    scratch: Uint8Array,
    onEvents: (events: number) => void,
  ): Rings | number

  mqOpen(name: string, flags: number, mode: number, messages: number, messageSize: number): number
  mqUnlink(name: string): number
  mqAttributes(descriptor: number, attributes: Int32Array): number
  mqSend(descriptor: number, message: Uint8Array, priority: number): number
  mqReceive(
    descriptor: number,
    target: Uint8Array,
    offset: number,
    length: number,
    priority?: Int32Array,
  ): number
  mqSendPacket(descriptor: number, kind: number, body: Uint8Array, prefix?: Uint8Array): number

  msgGet(key: number, flags: number, mode: number): number
  msgRemove(id: number): number
  msgState(id: number, numbers: Int32Array): number
  msgResize(id: number, bytes: number): number
  msgSend(id: number, message: Uint8Array, type: number, ms: number): number
  msgReceive(
    id: number,
    type: number,
    ms: number,
    target: Uint8Array,
    offset: number,
    length: number,
    got?: Uint8Array,
  ): number
  msgSendPacket(id: number, kind: number, body: Uint8Array, prefix?: Uint8Array): number
  msgStartSending(blocker: BlockerHandle, id: number, message: Uint8Array, type: number): number
  msgStartSendingPacket(
    blocker: BlockerHandle,
    id: number,
    kind: number,
    body: Uint8Array,
    prefix?: Uint8Array,
  ): number
  msgStartWaiting(blocker: BlockerHandle, id: number, type: number): number

  shmGet(key: number, size: number, flags: number, mode: number): number
  shmRemove(id: number): number
  shmState(id: number, numbers: Int32Array): number
  shmAttach(id: number, size: number, readonly: boolean): RegionHandle | number

  semInit(region: RegionHandle, offset: number, value: number): number
  semImage(target: Uint8Array, value: number): number
  semValue(region: RegionHandle, offset: number): number
  semPost(region: RegionHandle, offset: number, count: number): number
  semWait(region: RegionHandle, offset: number, ms: number): number
  semStartWaiting(blocker: BlockerHandle, region: RegionHandle, offset: number): number

  semsetGet(key: number, count: number, flags: number, mode: number): number
  semsetRemove(id: number): number
  semsetState(id: number, numbers: Int32Array): number
  semsetValue(id: number, index: number): number
  semsetWaiting(id: number, index: number): number
  semsetOperate(id: number, index: number, change: number, undo: boolean, ms: number): number
  semsetStartOperation(
    blocker: BlockerHandle,
    id: number,
    index: number,
    change: number,
    undo: boolean,
  ): number

  slotsInit(region: RegionHandle, direction: number): number
  slotsPut(
    region: RegionHandle,
    direction: number,
    count: number,
    kind: number,
    body: Uint8Array,
    prefix?: Uint8Array,
  ): number
  slotsTake(
    region: RegionHandle,
    direction: number,
    count: number,
    target: Uint8Array,
    offset: number,
    length: number,
  ): number
  slotsWait(region: RegionHandle, direction: number, items: boolean, ms: number): number
  slotsStartWaiting(blocker: BlockerHandle, region: RegionHandle, direction: number, items: boolean): number

  signalOpen(signal: number, shared: boolean): number
  signalClose(signal: number): number
  signalSend(
    pid: number,
    thread: number,
    signal: number,
    words: Uint8Array,
    offset: number,
    length: number,
    socket: number,
  ): number
  signalReceive(descriptor: number, words: Uint8Array, senders: Int32Array): number
  signalLimit(): number
  threadId(): number

  blockerOpen(event: number): BlockerHandle | number
  blockerTake(blocker: BlockerHandle): number
  blockerCancel(blocker: BlockerHandle): number
  blockerClose(blocker: BlockerHandle): number

  eventfd(semaphore: boolean): number
  pidfdOpen(pid: number): number
  pidfdSendSignal(descriptor: number, signal: number): number
  endWithParent(): number

  readonly SOCK_STREAM: number
  readonly SOCK_DGRAM: number
  readonly SOCK_SEQPACKET: number
  readonly SO_TYPE: number
  readonly SO_DOMAIN: number
  readonly SO_SNDBUF: number
  readonly SO_RCVBUF: number
  readonly SO_ERROR: number
  readonly MSG_TRUNC: number
  readonly MSG_CTRUNC: number
  readonly UV_READABLE: number
  readonly UV_WRITABLE: number
  readonly UV_DISCONNECT: number
  readonly POLLIN: number
  readonly POLLOUT: number
  readonly O_TMPFILE: number
  readonly IPC_CREAT: number
  readonly IPC_EXCL: number
  readonly SEM_SIZE: number
  readonly SEM_ALIGNMENT: number
  readonly SEM_VALUE_MAX: number
  readonly SLOTS_SIZE: number
  readonly SLOT_LENGTH: number
  readonly SIGRTMIN: number
  readonly SIGRTMAX: number
  readonly F_SEAL_SEAL: number
  readonly F_SEAL_SHRINK: number
  readonly F_SEAL_GROW: number
  readonly F_SEAL_WRITE: number
  readonly F_SEAL_FUTURE_WRITE: number
}

/** The one built with sanitizers takes the place of the other for a run that asks for it; scripts/build.mjs. */
const configuration = process.env.STRAIT_SANITIZED === undefined ? 'Release' : 'Debug'

let addon: Native | undefined
let reason: unknown
try {
  addon = createRequire(import.meta.url)(`../build/${configuration}/strait_posix.node`)
} catch (error) {
  reason = error
}

/** Whether the addon is there: on Linux, where it could be built. */
export const supported: boolean = addon !== undefined

/**
 * The addon.
 *
 * - Errors: `NOT_SUPPORTED` it is not there, with what to do about it.
 */
export function native(operation = 'load'): Native {
  if (addon !== undefined) return addon
  const why =
    process.platform === 'linux'
      ? 'the native addon is not built; install a C++ compiler, make and python3, then install again'
      : `this needs Linux; here is ${process.platform}`
  throw new StraitError('NOT_SUPPORTED', why, { operation, cause: reason })
}

/** Whether a result says: not now. */
export const isAgain = (result: number): boolean => result === -EAGAIN

const EAGAIN = 11

/** What error numbers mean for one kind of object, where core's own table means another. */
export type Meanings = Readonly<Record<string, readonly [ErrorCode, string]>>

/** Names for which libuv, and so Node, has only the number. */
const UNKNOWN_TO_NODE: Readonly<Record<number, string>> = { 43: 'EIDRM', 74: 'EBADMSG' }

/** A negated error number as an error; `what` names the object. */
export function kernelError(
  result: number,
  operation: string,
  what: string,
  meanings: Meanings = {},
): StraitError {
  const name = UNKNOWN_TO_NODE[-result] ?? getSystemErrorName(result)
  const cause = Object.assign(new Error(name), { code: name, errno: result })
  const own = meanings[name]
  if (own === undefined) return systemError(cause, operation, what)
  return new StraitError(own[0], `${own[1]} (${name})`, { operation, url: what, cause })
}

/** The result, or its error thrown. */
export function check(result: number, operation: string, what: string, meanings?: Meanings): number {
  if (result < 0) throw kernelError(result, operation, what, meanings)
  return result
}
