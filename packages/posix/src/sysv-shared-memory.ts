import { StraitError } from '@strait/core'
import { Mapping } from './mapping.js'
import { checkSize } from './memory-object.js'
import { check, kernelError, type Meanings, native, type RegionHandle } from './native.js'
import { checkLength } from './scratch.js'
import { checkKey, removedMeanings, showKey, sysvMeanings } from './sysv-key.js'

export interface SysvSharedMemoryCreateOptions {
  /** Who may read and write, whatever the umask says. 0o600 unless told. */
  mode?: number | undefined
}

export interface SysvSharedMemoryOpenOptions {
  /** Only `read` is allowed then, and needed of the mode. JavaScript has no views that only read. */
  readonly?: boolean | undefined
  /** The uid of a user whose memory is trusted, besides this process's own user and root. */
  owner?: number | undefined
}

/** How a typed array is made, or a DataView, whose elements are bytes. */
type ViewConstructor<V> = {
  new (buffer: ArrayBuffer, offset: number, length: number): V
  readonly BYTES_PER_ELEMENT?: number
}

const EINVAL = -22
const EIDRM = -43
const ENOENT = -2

/** Bit of the mode: it is removed, and goes with the last who has it attached. */
const SHM_DEST = 0o1000

const FINDING = sysvMeanings('segment', 'm', 'kernel.shmmni kernel.shmall')

const MAKING: Meanings = {
  ...FINDING,
  EINVAL: ['NO_RESOURCES', 'it is larger than one segment may be; `sysctl kernel.shmmax` shows how large'],
}

const MEANINGS = removedMeanings(FINDING)

const nameOf = (key: number) => `System V memory ${showKey(key)}`

/**
 * System V shared memory: bytes that several processes have attached, found by a key; sysvipc(7), shmop(2). Programs in C
 * and Python find the same by that key; `keyOf` makes one from a file, as ftok(3). Where nothing else asks for System V,
 * use `SharedMemory`.
 *
 * - Order: there is none but what you make; as of `SharedMemory`, `Atomics` but `wait` and `notify` work across processes.
 * - Ownership: opening never removes anything, nor does closing. It stays until somebody calls `unlink`, and after that
 *   until nobody has it attached. Nobody can change its size.
 * - `close` is also at the end of the environment; views are detached, and have length 0. Do not close it while an
 *   asynchronous call of Node still reads into `bytes` or writes from it.
 */
export class SysvSharedMemory implements Disposable {
  /** The number of the segment in this machine's namespace, by which `fromId` finds it. */
  readonly id: number
  /** undefined: it has none. */
  readonly key: number | undefined
  /** Bytes. */
  readonly size: number
  /** Whether this object has made the memory: all zeros, with nobody else's bytes in it. */
  readonly created: boolean
  readonly #name: string
  readonly #readonly: boolean
  #mapping: Mapping | undefined
  #bytes: Uint8Array<ArrayBuffer> | undefined

  private constructor(
    id: number,
    { key, name, size, created, readonly }: Segment & { created: boolean; readonly: boolean },
  ) {
    this.id = id
    this.key = key === 0 ? undefined : key
    this.size = size
    this.created = created
    this.#name = name
    this.#readonly = readonly
    const region = native().shmAttach(id, size, readonly)
    if (typeof region === 'number') throw kernelError(region, created ? 'create' : 'open', name, MEANINGS)
    this.#mapping = new Mapping(region, size, name)
  }

  static #make(
    key: number,
    name: string,
    size: number,
    { mode = 0o600 }: SysvSharedMemoryCreateOptions,
  ): SysvSharedMemory {
    const { shmGet, shmRemove, IPC_CREAT, IPC_EXCL } = native('create')
    checkSize(size, 'create', name)
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
      throw new RangeError(`mode is 0 to 0o777, not ${mode}`)
    const id = check(shmGet(key, size, IPC_CREAT | IPC_EXCL, mode), 'create', name, MAKING)
    try {
      const its = key === 0 ? `System V memory ${id}` : name
      return new SysvSharedMemory(id, { key, name: its, size, created: true, readonly: false })
    } catch (error) {
      shmRemove(id)
      throw error
    }
  }

  static #find(
    id: number,
    name: string,
    { readonly = false, owner }: SysvSharedMemoryOpenOptions,
  ): SysvSharedMemory {
    return new SysvSharedMemory(id, { ...inspect(id, name, owner), created: false, readonly })
  }

  /**
   * Makes memory with a key, a number of 32 bits.
   *
   * - Errors: `RangeError`; `ADDRESS_IN_USE`; `NO_RESOURCES` names the limit; `PERMISSION` a mode that forbids it to us;
   *   `NOT_SUPPORTED`. Then nothing was made.
   */
  static create(key: number, size: number, options: SysvSharedMemoryCreateOptions = {}): SysvSharedMemory {
    return SysvSharedMemory.#make(checkKey(key), nameOf(key), size, options)
  }

  /** Attaches the memory with this key. - Errors: `RangeError`; `REFUSED` there is none; `PERMISSION` the mode, or whose. */
  static open(key: number, options: SysvSharedMemoryOpenOptions = {}): SysvSharedMemory {
    const id = check(native('open').shmGet(checkKey(key), 0, 0, 0), 'open', nameOf(key), FINDING)
    return SysvSharedMemory.#find(id, nameOf(key), options)
  }

  /** Makes memory without a key, for whoever is told its `id`. - Errors: as of `create`. */
  static private(size: number, options: SysvSharedMemoryCreateOptions = {}): SysvSharedMemory {
    return SysvSharedMemory.#make(0, 'System V memory', size, options)
  }

  /** Attaches the memory with this number. - Errors: as of `open`. */
  static fromId(id: number, options: SysvSharedMemoryOpenOptions = {}): SysvSharedMemory {
    return SysvSharedMemory.#find(id, `System V memory ${checkLength('id', id, 0)}`, options)
  }

  /** Removes the memory with this key; who has it attached keeps it. Whether there was any. - Errors: `RangeError`; `PERMISSION`. */
  static unlink(key: number): boolean {
    const id = native('unlink').shmGet(checkKey(key), 0, 0, 0)
    return id !== ENOENT && remove(check(id, 'unlink', nameOf(key), FINDING), nameOf(key))
  }

  get closed(): boolean {
    return this.#mapping === undefined
  }

  #attached(operation: string): Mapping {
    if (this.#mapping !== undefined) return this.#mapping
    throw new StraitError('CLOSED', 'it is closed', { operation, url: this.#name })
  }

  /** How many times it is attached, by whomever; 1 is we alone. - Errors: `CLOSED`. */
  get attached(): number {
    this.#attached('attached')
    const state = new Int32Array(5)
    check(native().shmState(this.id, state), 'attached', this.#name, MEANINGS)
    return state[4]!
  }

  /** The mapping, for functions of the addon that work on it. */
  get region(): RegionHandle {
    return this.#attached('region').region
  }

  /**
   * All of the memory, as a view, always the same. Its buffer cannot be moved to another thread: open the memory there.
   *
   * - Errors: `CLOSED`; `PERMISSION` it is readonly; `NOT_SUPPORTED` in a Node, such as Electron's, that allows no buffer
   *   over memory of the system.
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    const mapping = this.#attached('bytes')
    if (this.#readonly) {
      const reason = 'it is opened readonly, and a view would be for writing; use read(), which copies'
      throw new StraitError('PERMISSION', reason, { operation: 'bytes', url: this.#name })
    }
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
    const { buffer } = this.bytes
    const rest = Math.max(0, Math.floor((buffer.byteLength - offset) / (type.BYTES_PER_ELEMENT ?? 1)))
    return new type(buffer, offset, length ?? rest)
  }

  /** A copy of some bytes. Works in every Node. - Errors: `RangeError`; `CLOSED`. */
  read(offset = 0, length: number = this.size - offset): Uint8Array {
    return this.#attached('read').read(offset, length)
  }

  /** Copies the bytes in. Works in every Node. - Errors: `RangeError`; `CLOSED`; `PERMISSION` it is readonly. */
  write(offset: number, bytes: Uint8Array): void {
    this.#attached('write').write(offset, bytes)
  }

  /**
   * Removes the memory: nobody finds its key any more, and it goes with the last who has it attached. Whether it was
   * there. - Errors: `CLOSED`; `PERMISSION`.
   */
  unlink(): boolean {
    this.#attached('unlink')
    return remove(this.id, this.#name)
  }

  /** Detaches all views and the memory; shmdt(2). The memory stays. Idempotent. */
  close(): void {
    this.#mapping?.unmap()
    this.#mapping = undefined
    this.#bytes = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

interface Segment {
  readonly key: number
  readonly name: string
  readonly size: number
}

/** What it is, if it may be trusted: it is ours, root's, or the owner's. */
function inspect(id: number, name: string, owner: number | undefined): Segment {
  const state = new Int32Array(5)
  const size = check(native('open').shmState(id, state), 'open', name, {
    ...FINDING,
    EINVAL: ['REFUSED', 'there is no segment with this number; `ipcs -m` shows all'],
  })
  const [key = 0, , uid = 0] = state
  if ([process.geteuid?.(), 0, owner].includes(uid >>> 0)) return { key, name, size }
  const reason = `it belongs to user ${uid >>> 0}; name that user as \`owner\` to trust it`
  throw new StraitError('PERMISSION', reason, { operation: 'open', url: name })
}

/** Whether it was there until now. */
function remove(id: number, name: string): boolean {
  const { shmState, shmRemove } = native('unlink')
  const state = new Int32Array(5)
  if (shmState(id, state) >= 0 && (state[1]! & SHM_DEST) !== 0) return false
  const result = shmRemove(id)
  if (result === EINVAL || result === EIDRM) return false
  return check(result, 'unlink', name, FINDING) >= 0
}
