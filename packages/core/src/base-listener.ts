import type { Channel, Listener, WaitOptions } from './channel.js'
import { abortedError } from './error.js'
import { Waiters } from './waiters.js'

/** What a transport does for its listener. */
export interface ListenerControl {
  /** Stops listening and gives the name back. Called once. */
  close(): Promise<void>
  ref(): void
  unref(): void
}

/** Queues the channels that a transport offers until they are accepted. One class for all transports. */
export class BaseListener<C extends Channel> implements Listener<C> {
  readonly url: URL
  readonly #control: ListenerControl
  readonly #ready: C[] = []
  readonly #acceptors: Waiters<C | undefined>
  #closed: Promise<void> | undefined

  constructor(url: URL, control: ListenerControl) {
    this.url = url
    this.#control = control
    this.#acceptors = new Waiters('accept', url)
  }

  /** How many channels wait to be accepted. */
  get waiting(): number {
    return this.#ready.length
  }

  /** Hands a channel to whoever accepts next. A closed listener aborts it. */
  offer(channel: C): void {
    const acceptor = this.#acceptors.shift()
    if (acceptor !== undefined) acceptor.resolve(channel)
    else if (this.#closed === undefined) this.#ready.push(channel)
    else channel.abort()
  }

  accept(options?: WaitOptions): Promise<C | undefined> {
    const signal = options?.signal
    if (signal?.aborted) return Promise.reject(abortedError('accept', this.url, signal.reason))
    const channel = this.#ready.shift()
    if (channel !== undefined || this.#closed !== undefined) return Promise.resolve(channel)
    return this.#acceptors.wait(undefined, signal)
  }

  async *[Symbol.asyncIterator](): AsyncIterator<C, undefined> {
    for (let channel = await this.accept(); channel !== undefined; channel = await this.accept())
      yield channel
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #close(): Promise<void> {
    for (const channel of this.#ready.splice(0)) channel.abort()
    this.#acceptors.resolveAll(undefined)
    return this.#control.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  ref(): this {
    this.#control.ref()
    return this
  }

  unref(): this {
    this.#control.unref()
    return this
  }
}
