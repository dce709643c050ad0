import { constants } from 'node:buffer'
import { StraitError } from '@strait/core'
import { check, kernelError, type Meanings, native, type RegionHandle } from './native.js'

const MEANINGS: Meanings = {
  EPERM: ['PERMISSION', 'it is sealed against writing; open it readonly'],
  EACCES: ['PERMISSION', 'the descriptor does not allow writing; open it readonly'],
  ENODEV: ['NOT_SUPPORTED', 'this kind of file cannot be mapped'],
}

/** Memory in the address space of this process, and the one ArrayBuffer over it; mmap(2). */
export class Mapping {
  readonly size: number
  readonly #name: string
  readonly region: RegionHandle
  #buffer: ArrayBuffer | undefined

  /** Owns the region. */
  constructor(region: RegionHandle, size: number, name: string) {
    this.region = region
    this.size = size
    this.#name = name
  }

  /** Of a descriptor. Where it is not shared, what is written stays in this process. */
  static of(descriptor: number, size: number, shared: boolean, name: string): Mapping {
    const region = native('map').mapMemory(descriptor, size, shared)
    if (typeof region === 'number') throw kernelError(region, 'map', name, MEANINGS)
    return new Mapping(region, size, name)
  }

  /** - Errors: `NOT_SUPPORTED` this Node has no ArrayBuffer over memory of the system, or none of this size. */
  get buffer(): ArrayBuffer {
    if (this.#buffer !== undefined) return this.#buffer
    const fail = (reason: string) =>
      new StraitError('NOT_SUPPORTED', `${reason}; use read() and write(), which copy`, {
        operation: 'bytes',
        url: this.#name,
      })
    if (this.size > constants.MAX_LENGTH)
      throw fail(`an ArrayBuffer here has at most ${constants.MAX_LENGTH} bytes`)
    const buffer = native().memoryBuffer(this.region)
    if (typeof buffer === 'number')
      throw fail('this build of Node allows no ArrayBuffer over memory of the system')
    // Node marks it as untransferable, as all that is not its own.
    this.#buffer = buffer
    return buffer
  }

  read(offset: number, length: number): Uint8Array {
    this.#checkRange(offset, length)
    const copy = new Uint8Array(length)
    check(native().readMemory(this.region, offset, copy, 0, length), 'read', this.#name)
    return copy
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#checkRange(offset, bytes.length)
    check(native().writeMemory(this.region, offset, bytes, 0, bytes.length), 'write', this.#name, {
      EACCES: ['PERMISSION', 'it is opened readonly, or sealed against writing'],
    })
  }

  #checkRange(offset: number, length: number): void {
    const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
    if (inside && offset + length <= this.size) return
    throw new RangeError(
      `${length} bytes at ${offset} do not lie within the ${this.size} bytes of the memory`,
    )
  }

  /**
   * Detaches the buffer, because a view that reached unmapped memory would end the process; then unmaps. Once. Where it
   * has been moved into another ArrayBuffer, or somebody forbids to detach it, the memory stays until that is collected.
   */
  unmap(): void {
    const { unmapMemory } = native()
    if (this.#buffer === undefined) unmapMemory(this.region)
    else if (transfer === undefined) unmapMemory(this.region, this.#buffer)
    else if (detach(this.#buffer)) unmapMemory(this.region)
  }
}

/** ES2024. Node 20 does not have it. */
const { transfer } = ArrayBuffer.prototype as {
  transfer?: (this: ArrayBuffer, length: number) => ArrayBuffer
}

/**
 * Whether it is this that has detached it. Not in native code: since Node 24, markAsUntransferable gives a buffer a key
 * without which Node-API ends the process instead of refusing.
 */
function detach(buffer: ArrayBuffer): boolean {
  try {
    transfer!.call(buffer, 0)
    return true
  } catch {
    return false
  }
}
