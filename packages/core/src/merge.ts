import type { Channel, WaitOptions } from './channel.js'
import { abortedError, type StraitError } from './error.js'
import { Fifo } from './fifo.js'
import { Waiters } from './waiters.js'

/** What one of many channels has to say: a message, or the failure with which it ended, its last word. */
export type Merged<C extends Channel = Channel> =
  | { readonly channel: C; readonly message: Uint8Array; readonly error?: undefined }
  | { readonly channel: C; readonly message?: undefined; readonly error: StraitError }

/**
 * Reads many channels as one.
 *
 * - Order: of one channel as it sent. Between channels fair: one that has given a message goes to the back, and those
 *   that are ready come before its next one.
 * - Ends: a channel that ended cleanly is left out from then on, a failed one after its failure was handed out. When
 *   none is left, the iteration is done.
 * - Backpressure: a message is taken when it is asked for, and not before. What nobody asks for stays in its channel.
 * - Abort: leaving the loop by `break`, `return()`, an exception or `signal` loses no message and leaves no trace. The
 *   channels stay as they are. Several `next()` may wait at once.
 * - Cost: of a message, however many channels are quiet, the same.
 * - Errors: `ABORTED`. A channel's failure is not thrown: one peer's death is no reason to stop listening to the others.
 */
export function merge<C extends Channel>(
  channels: Iterable<C>,
  options: WaitOptions = {},
): AsyncIterableIterator<Merged<C>> {
  return new Merger(channels, options.signal)
}

const nothing = () => {}

const done = (): IteratorReturnResult<undefined> => ({ done: true, value: undefined })

class Merger<C extends Channel> implements AsyncIterableIterator<Merged<C>> {
  /** Each with what takes our wait for it back; a signal of its own, because a hundred listeners at one are a leak. */
  readonly #channels = new Map<C, AbortController>()
  readonly #ready = new Fifo<C>()
  readonly #asking = new Waiters<IteratorResult<Merged<C>, undefined>>('merge', undefined)
  readonly #signal: AbortSignal | undefined
  #state: 'new' | 'running' | 'done' = 'new'
  #aborted: StraitError | undefined

  constructor(channels: Iterable<C>, signal: AbortSignal | undefined) {
    for (const channel of channels) this.#channels.set(channel, new AbortController())
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Merged<C>, undefined>> {
    if (this.#state === 'new') this.#start()
    if (this.#aborted !== undefined) return Promise.reject(this.#aborted)
    if (this.#state === 'done') return Promise.resolve(done())
    const asked = this.#asking.wait(undefined, undefined)
    this.#serve()
    return asked
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#stop()
    return done()
  }

  #start(): void {
    this.#state = 'running'
    if (this.#signal?.aborted) {
      this.#onAbort()
      return
    }
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
    for (const channel of this.#channels.keys()) this.#watch(channel)
  }

  #watch(channel: C): void {
    const onReady = () => {
      this.#ready.push(channel)
      this.#serve()
    }
    channel.readable({ signal: this.#channels.get(channel)!.signal }).then(onReady, nothing)
  }

  #serve(): void {
    while (this.#asking.size > 0 && this.#channels.size > 0) {
      const place = this.#ready.first()
      if (place === undefined) return
      this.#ready.remove(place)
      const value = this.#hear(place.value)
      if (value !== undefined) this.#asking.shift()!.resolve({ done: false, value })
    }
    if (this.#channels.size === 0) this.#stop()
  }

  #hear(channel: C): Merged<C> | undefined {
    try {
      const message = channel.tryReceive()
      // No message from an open channel: another receive was faster.
      if (message !== undefined || channel.state === 'open') this.#watch(channel)
      else this.#channels.delete(channel)
      return message === undefined ? undefined : { channel, message }
    } catch (error) {
      this.#channels.delete(channel)
      return { channel, error: error as StraitError }
    }
  }

  readonly #onAbort = (): void => {
    if (this.#state === 'done') return
    this.#aborted = abortedError('merge', undefined, this.#signal?.reason)
    this.#stop()
  }

  #stop(): void {
    this.#state = 'done'
    this.#signal?.removeEventListener('abort', this.#onAbort)
    for (const wait of this.#channels.values()) wait.abort()
    this.#channels.clear()
    if (this.#aborted === undefined) this.#asking.resolveAll(done())
    else this.#asking.rejectAll(this.#aborted)
  }
}
