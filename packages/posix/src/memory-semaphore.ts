import { Mapping } from './mapping.js'
import { check, native } from './native.js'
import { checkPermits, PosixSemaphore } from './semaphore.js'
import type { SharedMemory } from './shared-memory.js'

/**
 * A POSIX semaphore that lies in shared memory, beside what it guards; sem_init(3) with `pshared`. It is gone when the
 * memory is: there is nothing to unlink. See {@link PosixSemaphore} for what holds of all.
 *
 * It has the memory mapped for itself, so the `SharedMemory` may be closed before it. It takes `MemorySemaphore.size`
 * bytes, at a multiple of `MemorySemaphore.alignment`.
 */
export class MemorySemaphore extends PosixSemaphore {
  /** Bytes that one takes. */
  static get size(): number {
    return native().SEM_SIZE
  }

  /** Its offset is a multiple of this. */
  static get alignment(): number {
    return native().SEM_ALIGNMENT
  }

  private constructor(memory: SharedMemory, offset: number, initial?: number) {
    const { semInit, SEM_SIZE, SEM_ALIGNMENT } = native('open')
    const { descriptor, size } = memory
    if (
      !Number.isSafeInteger(offset) ||
      offset < 0 ||
      offset + SEM_SIZE > size ||
      offset % SEM_ALIGNMENT !== 0
    )
      throw new RangeError(
        `a semaphore lies at a multiple of ${SEM_ALIGNMENT}, with ${SEM_SIZE} bytes in the memory's ${size}; not at ${offset}`,
      )
    const name = `semaphore at ${offset} of ${memory.name ?? `memory ${descriptor}`}`
    const mapping = Mapping.of(descriptor, size, true, name)
    super(mapping, offset, name)
    if (initial !== undefined) check(semInit(mapping.region, offset, initial), 'create', name)
  }

  /**
   * Makes a semaphore of those bytes, with so many permits. Once, by one: whoever waits in an older one there is lost.
   *
   * - Errors: `RangeError` the offset, or the permits; `CLOSED`; `PERMISSION` the memory is not for writing.
   */
  static create(memory: SharedMemory, offset = 0, initial = 0): MemorySemaphore {
    return new MemorySemaphore(memory, offset, checkPermits('initial', initial))
  }

  /**
   * Opens what somebody has made there; nothing tells whether somebody has. (Bytes that are all zero are a semaphore
   * without permits, of which other processes learn nothing.)
   *
   * - Errors: as above.
   */
  static open(memory: SharedMemory, offset = 0): MemorySemaphore {
    return new MemorySemaphore(memory, offset)
  }
}
