import { StraitError } from '@strait/core'
import { Mapping } from './mapping.js'
import {
  addSeals,
  allocate,
  checkSize,
  createNamed,
  createUnnamed,
  isSystem,
  memoryStats,
  openNamed,
  pathOf,
  type Seal,
  type SharedMemoryAdoptOptions,
  type SharedMemoryAnonymousOptions,
  type SharedMemoryCreateOptions,
  type SharedMemoryOpenOptions,
  sealsOf,
  truncate,
  unlinkNamed,
} from './memory-object.js'
import { native, type RegionHandle } from './native.js'

export type {
  Seal,
  SharedMemoryAdoptOptions,
  SharedMemoryAnonymousOptions,
  SharedMemoryCreateOptions,
  SharedMemoryOpenOptions,
} from './memory-object.js'

/** How a typed array is made, or a DataView, whose elements are bytes. */
type ViewConstructor<V> = {
  new (buffer: ArrayBuffer, offset: number, length: number): V
  readonly BYTES_PER_ELEMENT?: number
}

interface Origin {
  readonly descriptor: number
  readonly name: string | undefined
  readonly created: boolean
  readonly size: number
  readonly shared: boolean
}

/**
 * Memory that processes share: by a name under /dev/shm, or without one by a descriptor; shm_overview(7),
 * memfd_create(2), mmap(2). Python's `multiprocessing.shared_memory` opens the same names, and is opened here.
 *
 * - Order: there is none but what you make. Processes see each other's bytes as threads do: `Atomics.load`, `store`,
 *   `add`, … work on integer views across processes; `Atomics.wait` and `notify` do not.
 * - Ownership: opening never removes anything. A name stays until somebody calls `unlink`; the memory stays until then
 *   and until nobody has it mapped or its descriptor open.
 * - Trust: who may open it may also shrink it, unless it is sealed: reaching beyond the end is SIGBUS, which ends the
 *   process.
 * - `close` is also at the end of the environment; views are detached, and have length 0. Do not close it while an
 *   asynchronous call of Node still reads into `bytes` or writes from it.
 */
export class SharedMemory implements Disposable {
  /** As in `create` and `open`, and in Python. undefined: it has none, or came as a descriptor. */
  readonly name: string | undefined
  /** Whether this object has made the memory: all zeros, with nobody else's bytes in it. */
  readonly created: boolean
  readonly #descriptor: number
  readonly #what: string
  #shared: boolean
  #mapping: Mapping | undefined
  #closed = false
  #bytes: Uint8Array | undefined

  private constructor({ descriptor, name, created, size, shared }: Origin) {
    this.#descriptor = descriptor
    this.name = name
    this.created = created
    this.#what = name === undefined ? `memory ${descriptor}` : pathOf(name, 'open')
    this.#shared = shared
    this.#mapping = Mapping.of(descriptor, size, shared, this.#what)
  }

  /** On an error, the descriptor that we have opened ourselves goes. */
  static #map(origin: Origin): SharedMemory {
    try {
      return new SharedMemory(origin)
    } catch (error) {
      native().close(origin.descriptor)
      throw error
    }
  }

  /**
   * Makes memory with a name, all zeros. Nobody finds it half made.
   *
   * - Errors: `RangeError`; `ADDRESS_INVALID` the name; `ADDRESS_IN_USE`; `NO_RESOURCES` /dev/shm is full;
   *   `NOT_SUPPORTED`.
   */
  static create(name: string, size: number, { mode = 0o600 }: SharedMemoryCreateOptions = {}): SharedMemory {
    const path = pathOf(name, 'create')
    checkSize(size, 'create', path)
    const descriptor = createNamed(path, size, mode)
    return SharedMemory.#map({ descriptor, name, created: true, size, shared: true })
  }

  /**
   * Opens memory by its name, all of it.
   *
   * - Errors: `ADDRESS_INVALID` the name, or it is no memory; `REFUSED` there is none, or it is empty; `PERMISSION` its
   *   mode, or it is another user's, or a symbolic link; `NOT_SUPPORTED`.
   */
  static open(name: string, { readonly = false, owner }: SharedMemoryOpenOptions = {}): SharedMemory {
    const path = pathOf(name, 'open')
    const descriptor = openNamed(path, readonly, owner)
    const { size } = memoryStats(descriptor, 'open', path)
    return SharedMemory.#map({ descriptor, name, created: false, size, shared: !readonly })
  }

  /**
   * Opens memory by its name, or makes it; of those who start at once, exactly one makes it, and its `created` is true.
   *
   * - Errors: those of both; `REFUSED` what exists is smaller.
   */
  static openOrCreate(
    name: string,
    size: number,
    { mode, owner }: SharedMemoryCreateOptions & Pick<SharedMemoryOpenOptions, 'owner'> = {},
  ): SharedMemory {
    checkSize(size, 'open', pathOf(name, 'open'))
    for (;;) {
      try {
        const memory = SharedMemory.open(name, { owner })
        if (memory.size >= size) return memory
        memory.close()
        throw new StraitError('REFUSED', `it has ${memory.size} bytes, not ${size}`, {
          operation: 'open',
          url: memory.#what,
        })
      } catch (error) {
        if (!isSystem(error, 'ENOENT')) throw error
      }
      try {
        return SharedMemory.create(name, size, { mode })
      } catch (error) {
        if (!isSystem(error, 'EEXIST')) throw error
      }
    }
  }

  /**
   * Makes memory without a name, all zeros, for whoever gets its descriptor: a child, or the peer of a Unix socket.
   *
   * - Errors: `RangeError`; `NO_RESOURCES`; `NOT_SUPPORTED`.
   */
  static anonymous(
    size: number,
    { seals = [], reserve = true }: SharedMemoryAnonymousOptions = {},
  ): SharedMemory {
    checkSize(size, 'create', 'memory')
    const descriptor = createUnnamed(size, reserve, 'memory')
    const memory = SharedMemory.#map({ descriptor, name: undefined, created: true, size, shared: true })
    try {
      if (seals.length > 0) memory.seal(...seals)
      return memory
    } catch (error) {
      memory.close()
      throw error
    }
  }

  /**
   * Maps the memory of a descriptor; seals and size are looked at before.
   *
   * - Ownership: the descriptor is this object's when this returns, and yours when it throws.
   * - Errors: `RangeError`; `ADDRESS_INVALID` it is no memory; `REFUSED` it lacks a seal or is too small; `PERMISSION`
   *   it is not for writing; `NOT_SUPPORTED`.
   */
  static fromDescriptor(
    descriptor: number,
    { size: wanted, seals = [], readonly = false }: SharedMemoryAdoptOptions = {},
  ): SharedMemory {
    const what = `memory ${descriptor}`
    native('open')
    if (wanted !== undefined) checkSize(wanted, 'open', what)
    // The seals first: a size that has been looked at is worth something only when it cannot change any more.
    const missing = seals.filter((seal) => !sealsOf(descriptor).includes(seal))
    if (missing.length > 0) {
      throw new StraitError('REFUSED', `it is not sealed: ${missing.join(', ')}`, {
        operation: 'open',
        url: what,
      })
    }
    const has = memoryStats(descriptor, 'open', what).size
    const size = wanted ?? has
    if (has < size) {
      throw new StraitError('REFUSED', `it has ${has} bytes, not ${size}`, { operation: 'open', url: what })
    }
    const memory = new SharedMemory({ descriptor, name: undefined, created: false, size, shared: !readonly })
    native().own(descriptor)
    return memory
  }

  /** Removes a name that somebody has left behind. Whether there was one. Who has the memory mapped keeps it. */
  static unlink(name: string): boolean {
    return unlinkNamed(pathOf(name, 'unlink'))
  }

  #mapped(operation: string): Mapping {
    if (this.#mapping !== undefined) return this.#mapping
    throw new StraitError('CLOSED', 'it is closed', { operation, url: this.#what })
  }

  /** Bytes mapped. */
  get size(): number {
    return this.#mapping?.size ?? 0
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The mapping, for functions of the addon that work on it. */
  get region(): RegionHandle {
    return this.#mapped('region').region
  }

  /** To pass on, to the `stdio` of a child or over a Unix socket; it stays this object's. */
  get descriptor(): number {
    this.#mapped('descriptor')
    return this.#descriptor
  }

  /**
   * All of the memory, as a view; the same one until the next `resize`. Its buffer cannot be moved to another thread:
   * open the memory there.
   *
   * - Errors: `CLOSED`; `NOT_SUPPORTED` in a Node, such as Electron's, that allows no buffer over memory of the system.
   */
  get bytes(): Uint8Array {
    const mapping = this.#mapped('bytes')
    this.#bytes ??= new Uint8Array(mapping.buffer)
    return this.#bytes
  }

  /**
   * A typed view, for instance `view(Int32Array, 64)`.
   *
   * @param offset in bytes, a multiple of the element's size
   * @param length in elements; by default as many as follow
   * - Errors: `RangeError`; those of `bytes`.
   */
  view<V>(type: ViewConstructor<V>, offset = 0, length?: number): V {
    const { buffer } = this.#mapped('view')
    const rest = Math.max(0, Math.floor((buffer.byteLength - offset) / (type.BYTES_PER_ELEMENT ?? 1)))
    return new type(buffer, offset, length ?? rest)
  }

  /** A copy of some bytes. Works in every Node. - Errors: `RangeError`; `CLOSED`. */
  read(offset = 0, length: number = this.size - offset): Uint8Array {
    return this.#mapped('read').read(offset, length)
  }

  /** Copies the bytes in. Works in every Node. - Errors: `RangeError`; `CLOSED`; `PERMISSION` it is readonly. */
  write(offset: number, bytes: Uint8Array): void {
    this.#mapped('write').write(offset, bytes)
  }

  /**
   * Makes the memory so many bytes, and maps all of it; old views are detached, take new ones. The others call this
   * with the same size to follow. Shrink only what nobody else has mapped: it is gone from under them.
   *
   * - Errors: `RangeError`; `CLOSED`; `PERMISSION` a seal forbids it, or it is readonly; `NO_RESOURCES`. Then nothing
   *   has changed.
   */
  resize(size: number): void {
    const old = this.#mapped('resize')
    checkSize(size, 'resize', this.#what)
    const has = memoryStats(this.#descriptor, 'resize', this.#what).size
    if (size !== has && !this.#shared) {
      throw new StraitError('PERMISSION', 'it is readonly', { operation: 'resize', url: this.#what })
    }
    if (size > has) allocate(this.#descriptor, size, 'resize', this.#what)
    const mapping = Mapping.of(this.#descriptor, size, this.#shared, this.#what)
    try {
      if (size < has) truncate(this.#descriptor, size, this.#what)
    } catch (error) {
      mapping.unmap()
      throw error
    }
    this.#replace(old, mapping)
  }

  /** What is forbidden for ever about this memory; with a name: `seal`, for it can have no others. */
  get seals(): readonly Seal[] {
    this.#mapped('seals')
    return sealsOf(this.#descriptor)
  }

  /**
   * Forbids for ever, to everybody: `shrink`, `grow`, `write`, `future-write` (but through what is mapped already), and
   * `seal`, more seals. With `write`, old views are detached and the new ones are readonly.
   *
   * - Errors: `TypeError`; `CLOSED`; `PERMISSION` it is sealed against seals; `REFUSED` for `write`: somebody else has
   *   it mapped for writing. Then nothing is sealed.
   */
  seal(...seals: Seal[]): void {
    const old = this.#mapped('seal')
    if (!seals.includes('write') || !this.#shared) {
      addSeals(this.#descriptor, seals, this.#what)
      return
    }
    // The kernel refuses while we have it mapped for writing ourselves.
    this.#release(old)
    try {
      addSeals(this.#descriptor, seals, this.#what)
      this.#shared = false
    } finally {
      this.#mapping = Mapping.of(this.#descriptor, old.size, this.#shared, this.#what)
    }
  }

  #replace(old: Mapping, mapping: Mapping): void {
    this.#release(old)
    this.#mapping = mapping
  }

  #release(mapping: Mapping): void {
    this.#mapping = undefined
    this.#bytes = undefined
    mapping.unmap()
  }

  /** Removes the name, so that nobody opens the memory any more. Whether it still was this memory's. */
  unlink(): boolean {
    this.#mapped('unlink')
    return this.name !== undefined && unlinkNamed(this.#what, this.#descriptor)
  }

  /** Detaches all views, unmaps, and closes the descriptor. The name stays. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#mapping !== undefined) this.#release(this.#mapping)
    native().close(this.#descriptor)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
