import { began, now } from '../clock.js'
import type { Share } from './lane.js'

/** How a side takes the lock. */
export type ContestMode = 'lockSync' | 'await lock'

/** When sections are run; in ns of the clock that all processes share. */
export interface Order {
  readonly mode: ContestMode
  readonly start: number
  readonly end: number
}

/** And when the last section ended. */
export interface Outcome extends Share {
  readonly end: number
}

export interface Releasable {
  release(): void
}

/** What a side can lock, in one way or in both. */
export interface Lockable {
  lockSync(): Releasable
  lock?(): Promise<Releasable>
}

/** How many sections go before the clock is looked at. */
const PER_LOOK = 16

/** Runs sections as fast as it gets the lock. The counter is incremented without any atomicity but the lock's. */
export async function contend(lock: Lockable, counter: Uint32Array, order: Order): Promise<Outcome> {
  sleepUntil(order.start - began)
  const waits = new Waits(order.end - began)
  if (order.mode === 'lockSync') contendSync(lock, counter, waits)
  else await contendAsync(lock as Required<Lockable>, counter, waits)
  const { sections, longestNs, looked } = waits
  return { sections, longestNs, end: began + looked }
}

function contendSync(lock: Lockable, counter: Uint32Array, waits: Waits): void {
  do {
    const guard = lock.lockSync()
    const count = counter[0]! + 1
    counter[0] = count
    guard.release()
    waits.note(count)
  } while (waits.looked < waits.end)
}

async function contendAsync(lock: Required<Lockable>, counter: Uint32Array, waits: Waits): Promise<void> {
  do {
    const guard = await lock.lock()
    const count = counter[0]! + 1
    counter[0] = count
    guard.release()
    waits.note(count)
  } while (waits.looked < waits.end)
}

/**
 * Reading the clock costs more than locking. It is read when the counter shows that somebody else was in between, and
 * every so many sections, so that a wait is never taken for longer by more than these.
 */
class Waits {
  sections = 0
  longestNs = 0
  looked = now()
  readonly end: number
  #last = 0

  constructor(end: number) {
    this.end = end
  }

  note(count: number): void {
    this.sections++
    if (count !== this.#last + 1 || this.sections % PER_LOOK === 0) {
      const time = now()
      if (time - this.looked > this.longestNs) this.longestNs = time - this.looked
      this.looked = time
    }
    this.#last = count
  }
}

const SLEEPER = new Int32Array(new SharedArrayBuffer(4))

/** Blocks the thread, which has nothing else to do. */
function sleepUntil(time: number): void {
  const ms = (time - now()) / 1e6
  if (ms > 0) Atomics.wait(SLEEPER, 0, 0, ms)
}
