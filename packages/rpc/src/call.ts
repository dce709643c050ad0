import type { Channel } from '@strait/core'
import { StraitError } from '@strait/core'
import type { IncomingFrame } from './frame.js'
import { Kind, sizeOf } from './frame.js'
import type { CallContext } from './types.js'

/** More values than these nobody may ask for at once: whoever yields them has the event loop meanwhile. */
const MOST_ITEMS = 1024

let current: CallContext | undefined

/**
 * The call that the present function is a handler of.
 *
 * - Order: ask before the first `await`, or `yield`; afterwards another call may be the present one.
 * - Errors: `NOT_SUPPORTED` there is none.
 */
export function callContext(): CallContext {
  if (current !== undefined) return current
  throw new StraitError('NOT_SUPPORTED', 'this is no handler, or no longer its beginning', {
    operation: 'callContext',
  })
}

/** A call that has come and is not answered. */
export class Call implements CallContext {
  readonly channel: Channel
  readonly frame: IncomingFrame
  readonly name: string
  /** How many bytes it has in memory. */
  readonly size: number
  timer: ReturnType<typeof setTimeout> | undefined
  /** performance.now() */
  began = 0
  #controller: AbortController | undefined
  #cancelled: { reason: unknown } | undefined
  #credit = 0
  #wake: (() => void) | undefined

  constructor(channel: Channel, frame: IncomingFrame, name: string) {
    this.channel = channel
    this.frame = frame
    this.name = name
    this.size = sizeOf(frame)
  }

  get answers(): boolean {
    return this.frame.kind !== Kind.NOTIFY
  }

  /** Made for those who ask: most do not. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled.reason)
    }
    return this.#controller.signal
  }

  /** undefined: it is not. */
  get cancelled(): { reason: unknown } | undefined {
    return this.#cancelled
  }

  cancel(reason: unknown): void {
    if (this.#cancelled !== undefined) return
    this.#cancelled = { reason }
    this.#controller?.abort(reason)
    this.#wake?.()
  }

  /** Runs a piece of the handler, for which this is the present call. */
  run<T>(piece: () => T): T {
    const before = current
    current = this
    try {
      return piece()
    } finally {
      current = before
    }
  }

  /** Of an iteration: so many more values may be sent. */
  allow(items: number): void {
    this.#credit = Math.min(this.#credit + items, MOST_ITEMS)
    this.#wake?.()
  }

  /** Resolves when a value may be sent, or none will be. */
  async allowed(): Promise<void> {
    while (this.#credit === 0 && this.#cancelled === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#credit--
  }
}
