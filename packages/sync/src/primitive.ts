import {
  checkTimeout,
  StraitError,
  type SyncWaitOptions,
  throwIfAborted,
  type WaitOptions,
} from '@strait/core'
import { check, type Meanings, native } from '@strait/posix'
import type { Attachment } from './attachment.js'
import { layout } from './layout.js'
import { Region, type SharedRegion } from './region.js'

/** Where a primitive lives. */
export interface HomeOptions {
  /** By default one of this thread's own, in which the primitive is for its tasks, and for threads that it is shared with. */
  region?: Region | undefined
  /** Its name in the region, 1 to 40 of A-Z a-z 0-9 . _ - #; by default that of its kind. */
  name?: string | undefined
}

/** A primitive as plain data, for `workerData` or `postMessage`: `from` of its class makes one of it there. */
export interface SharedPrimitive {
  readonly region: SharedRegion
  readonly name: string
}

/** Which object of a region, or which new one. */
export interface Kind {
  readonly type: number
  readonly kind: string
  readonly a?: number | undefined
  readonly b?: number | undefined
}

const OBJECT: Meanings = {
  EEXIST: ['ADDRESS_IN_USE', 'something else has this name in the region'],
  ENOSPC: ['NO_RESOURCES', 'a region has room for 255 primitives'],
}

const NAME = /^[A-Za-z0-9._#-]{1,40}$/

/** Regions of this thread's own, the newest last. */
const own: Region[] = []
let unnamed = 0

/** Primitives without a name, of which nobody else knows, go when they are collected. */
const collected = new FinalizationRegistry<{ attachment: Attachment; index: number }>(
  ({ attachment, index }) => {
    if (!attachment.closed) native().syncRemove(attachment.handle, index)
  },
)

function make(region: Region, name: string, { type, kind, a = 0, b = 0 }: Kind): number {
  const index = native('create').syncObject(region.attachment.handle, type, name, a, b)
  return check(index, 'create', `${kind} ${name}`, OBJECT)
}

/** In the newest of the own regions that has room. */
function makeUnnamed(kind: Kind): { region: Region; name: string; index: number } {
  for (;;) {
    let region = own.at(-1)
    if (region === undefined || region.closed) {
      region = Region.anonymous()
      own.push(region)
    }
    unnamed++
    // Another thread that names its own in this region has another slot.
    const name = `#${region.attachment.slot}.${unnamed}`
    try {
      return { region, name, index: make(region, name, kind) }
    } catch (error) {
      if (!StraitError.is(error, 'NO_RESOURCES')) throw error
      own.push(Region.anonymous())
    }
  }
}

/** What locks and their kin have in common: an object in a region, found by its name. */
export abstract class Primitive {
  readonly region: Region
  readonly name: string
  /** For errors. */
  protected readonly what: string
  protected readonly attachment: Attachment
  /** Which object of the region it is, */
  protected readonly index: number
  /** and where its word is. */
  protected readonly at: number
  readonly #token = {}

  protected constructor(kind: Kind, { region, name }: HomeOptions) {
    if (name !== undefined && !NAME.test(name)) {
      throw new StraitError('ADDRESS_INVALID', 'a name is 1 to 40 of A-Z a-z 0-9 . _ - #', {
        operation: 'create',
        url: name,
      })
    }
    if (region === undefined && name === undefined) {
      const made = makeUnnamed(kind)
      this.region = made.region
      this.name = made.name
      this.index = made.index
      collected.register(this, { attachment: made.region.attachment, index: made.index }, this.#token)
    } else {
      this.region = region ?? ownRegion()
      this.name = name ?? kind.kind
      this.index = make(this.region, this.name, kind)
    }
    this.attachment = this.region.attachment
    const { objects, object } = layout()
    this.at = (objects + this.index * object) / 4
    this.what = `${kind.kind} ${this.name}`
  }

  /** For another thread of this process, or, by its region's descriptor, another process. It stays until its region ends. */
  share(): SharedPrimitive {
    collected.unregister(this.#token)
    return { region: this.region.share(), name: this.name }
  }

  /** What an outcome means that is an error. */
  protected fail(outcome: number, operation: string): never {
    throw this.attachment.error(outcome, operation, this.index, this.what)
  }

  protected begin(operation: string, { signal }: WaitOptions): void {
    this.attachment.ensureOpen(operation, this.what)
    throwIfAborted(operation, this.what, signal)
  }

  protected beginSync(operation: string, { timeout }: SyncWaitOptions): void {
    this.attachment.ensureOpen(operation, this.what)
    checkTimeout(timeout)
  }
}

function ownRegion(): Region {
  const last = own.at(-1)
  if (last !== undefined && !last.closed) return last
  const region = Region.anonymous()
  own.push(region)
  return region
}

/** Where `from` finds it again. */
export const homeOf = ({ region, name }: SharedPrimitive): Required<HomeOptions> => ({
  region: Region.from(region),
  name,
})
