import { type Kind, StraitError } from '@strait/core'
import { BlockedCall, native, type Seal, SharedMemory } from '@strait/posix'
import type { Mailboxes } from '@strait/rendezvous'

const system = native('load')

/** Of a packet with its kind, in bytes. */
const LONGEST = system.SLOT_LENGTH + 1

/** Its size cannot change any more, so that no access lies beyond the end. */
const SEALS: readonly Seal[] = ['shrink', 'grow', 'seal']

/** Where there can be no more threads, who waits for room looks again after so long, in ms. */
const LOOK_AGAIN = 20

/** Memory with both directions, empty. - Errors: `NO_RESOURCES`. */
export function createSlots(): SharedMemory {
  const memory = SharedMemory.anonymous(system.SLOTS_SIZE, { seals: SEALS, reserve: false })
  for (const direction of [0, 1]) system.slotsInit(memory.region, direction)
  return memory
}

/**
 * Maps what a listener has passed, when it is large enough and its size cannot change any more: reaching beyond the end
 * would be SIGBUS.
 *
 * - Errors: `CORRUPT`; `NO_RESOURCES`. The descriptor is then closed.
 */
export function adoptSlots(descriptor: number, url: URL): SharedMemory {
  try {
    // The size is looked at when the seals have been.
    return SharedMemory.fromDescriptor(descriptor, { seals: SEALS, size: system.SLOTS_SIZE })
  } catch (error) {
    system.close(descriptor)
    if (StraitError.is(error, 'NO_RESOURCES')) throw error
    const reason = 'the listener passed something else than sealed memory for the slots'
    throw new StraitError('CORRUPT', reason, { operation: 'connect', url, cause: error })
  }
}

/**
 * Two bounded buffers in shared memory, one for each direction. A slot is handed over by a permit of `items`, and back
 * by one of `spaces`; which slot it is, both sides know by counting. No descriptor tells of a permit, so a thread waits
 * for each semaphore that has none: from the beginning for items, for spaces when a buffer is full for the first time.
 */
export class Slots implements Mailboxes {
  onReady: Mailboxes['onReady'] = () => {}
  readonly longest = LONGEST
  readonly #memory: SharedMemory
  readonly #region: SharedMemory['region']
  /** The numbers of the directions. */
  readonly #incoming: number
  readonly #outgoing: number
  #taken = 0
  #put = 0
  readonly #items: BlockedCall
  readonly #spaces: BlockedCall
  #wantsItems = false
  #wantsSpaces = false
  #timer: NodeJS.Timeout | undefined

  /** `first`: this end puts into the first direction. It owns the memory when this returns. */
  constructor(memory: SharedMemory, first: boolean, url: URL) {
    this.#memory = memory
    this.#region = memory.region
    this.#outgoing = first ? 0 : 1
    this.#incoming = first ? 1 : 0
    this.#items = new BlockedCall(url.href, () => this.#onItems())
    try {
      this.#spaces = new BlockedCall(url.href, () => this.#onSpaces())
    } catch (error) {
      this.#items.close()
      throw error
    }
  }

  take(target: Uint8Array, offset: number): number {
    const length = system.slotsTake(this.#region, this.#incoming, this.#taken, target, offset, LONGEST)
    if (length > 0) this.#taken++
    return length
  }

  put(kind: Kind, body: Uint8Array, prefix: Uint8Array | undefined): number {
    const result = system.slotsPut(this.#region, this.#outgoing, this.#put, kind, body, prefix)
    if (result === 0) this.#put++
    return result
  }

  // A thread that waits is let alone when nobody wants to know any more: what it tells then is not passed on.

  watch(incoming: boolean, outgoing: boolean): void {
    this.#wantsItems = incoming
    this.#wantsSpaces = outgoing
    if (incoming) this.#waitForItems()
    if (outgoing) this.#waitForSpaces()
  }

  #waitForItems(): void {
    if (this.#items.blocked) return
    this.#items.start((blocker) => system.slotsStartWaiting(blocker, this.#region, this.#incoming, true))
  }

  #waitForSpaces(): void {
    if (this.#spaces.blocked || this.#timer !== undefined) return
    try {
      this.#spaces.start((blocker) => system.slotsStartWaiting(blocker, this.#region, this.#outgoing, false))
    } catch (error) {
      if (!StraitError.is(error, 'NO_RESOURCES')) throw error
      this.#timer = setTimeout(() => this.#onSpaces(), LOOK_AGAIN).unref()
    }
  }

  #onItems(): void {
    if (this.#wantsItems) this.onReady(true, false)
  }

  #onSpaces(): void {
    this.#timer = undefined
    if (this.#wantsSpaces) this.onReady(false, true)
  }

  block(incoming: boolean, outgoing: boolean, _other: number, ms: number): void {
    if (incoming && outgoing) {
      // Nothing blocks in two semaphores; but the threads that do can be waited for.
      this.watch(true, true)
      system.pollNow(this.#items.descriptor, system.POLLIN, this.#spaces.descriptor, system.POLLIN, ms)
      this.#items.look()
      this.#spaces.look()
    } else {
      const direction = incoming ? this.#incoming : this.#outgoing
      if (system.slotsWait(this.#region, direction, incoming, ms) === 0) this.onReady(incoming, outgoing)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    // The threads first, for they look into the memory.
    this.#items.close()
    this.#spaces.close()
    this.#memory.close()
  }
}
