import { closeSync, openSync, readSync } from 'node:fs'
import { native, supported } from '@strait/posix'

// The memory of a region of locks, as packages/posix/native/region.h draws it. It is looked at without its monitor: what
// changes meanwhile may show half.

const MAGIC = 0x6b636f6c2d727473n
const PID_NAMESPACE = 16
const LIFE_DIED = 0x4000_0000
const QUEUED = 1

/** In the order of their numbers. */
const TYPES = [undefined, 'mutex', 'semaphore', 'event', 'condition', 'barrier', 'rwlock'] as const
export type LockKind = NonNullable<(typeof TYPES)[number]>

/** A thread with an event loop that is attached. */
export interface Attached {
  readonly pid: number
  readonly thread: number
  /** Whether its process has not ended without leaving. */
  readonly alive: boolean
}

export interface LockImage {
  readonly kind: LockKind
  readonly name: string
  readonly word: number
  /** Semaphore: permits in all. Condition: which object its mutex is. Barrier: its parties. */
  readonly a: number
  readonly broken: boolean
  /** The process that died last as its owner; 0: none. */
  readonly lastPid: number
  /** Whose it is, of a Mutex and a writer. */
  readonly owner: Attached | undefined
  /** Who has permits, or reads, and how many. */
  readonly shares: readonly { readonly by: Attached; readonly count: number }[]
  /** How many wait, of those who live. */
  readonly waiting: number
}

export interface RegionImage {
  readonly pidNamespace: bigint
  readonly attached: readonly Attached[]
  /** By their numbers. */
  readonly locks: ReadonlyMap<number, LockImage>
}

/** What stands in a file; undefined: no region, or it may not be read, or this cannot be known without the addon. */
export function readRegion(path: string): RegionImage | undefined {
  if (!supported) return undefined
  const layout = new Int32Array(11)
  native().syncLayout(layout)
  const bytes = readFirst(path, layout[0]!)
  return bytes === undefined ? undefined : parse(bytes, layout)
}

/** So many bytes from the beginning, if they are a region's. */
function readFirst(path: string, size: number): Buffer | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch {
    // It is not for us, or it went.
    return undefined
  }
  try {
    const magic = Buffer.alloc(8)
    if (readSync(descriptor, magic, 0, 8, 0) < 8 || magic.readBigUInt64LE() !== MAGIC) return undefined
    const bytes = Buffer.alloc(size)
    return readSync(descriptor, bytes, 0, size, 0) === size ? bytes : undefined
  } finally {
    closeSync(descriptor)
  }
}

function parse(bytes: Buffer, layout: Int32Array): RegionImage {
  const [, slotsAt, slotSize, slotCount, objectsAt, objectSize, objectCount, waitersAt, waiterSize, waiters] =
    layout as unknown as Tables
  const holdersAt = layout[10]!
  const word = (at: number) => bytes.readUInt32LE(at)

  const slots = new Map<number, Attached>()
  for (let index = 1; index < slotCount; index++) {
    const at = slotsAt + index * slotSize
    const life = word(at)
    if (life === 0) continue
    slots.set(index, { pid: word(at + 12), thread: word(at + 24), alive: (life & LIFE_DIED) === 0 })
  }

  const waiting = new Map<number, number>()
  for (let index = 1; index < waiters; index++) {
    const at = waitersAt + index * waiterSize
    if (word(at) !== QUEUED || slots.get(word(at + 8))?.alive !== true) continue
    const object = word(at + 4)
    waiting.set(object, (waiting.get(object) ?? 0) + 1)
  }

  const locks = new Map<number, LockImage>()
  for (let index = 1; index < objectCount; index++) {
    const at = objectsAt + index * objectSize
    const kind = TYPES[word(at + 4)]
    if (kind === undefined) continue
    const owned = kind === 'mutex' || kind === 'rwlock'
    const holds = (slot: number) => word(holdersAt + 4 * (index * slotCount + slot))
    const name = bytes.toString('latin1', at + 48, at + 96)
    locks.set(index, {
      kind,
      name: name.slice(0, name.indexOf('\0')),
      word: word(at),
      a: word(at + 8),
      broken: word(at + 24) !== 0,
      lastPid: word(at + 44),
      owner: owned ? slots.get(word(at) & 0xffff) : undefined,
      shares: [...slots].map(([slot, by]) => ({ by, count: holds(slot) })).filter(({ count }) => count > 0),
      waiting: waiting.get(index) ?? 0,
    })
  }
  return {
    pidNamespace: bytes.readBigUInt64LE(PID_NAMESPACE),
    attached: [...slots.values()],
    locks,
  }
}

type Tables = [number, number, number, number, number, number, number, number, number, number]
