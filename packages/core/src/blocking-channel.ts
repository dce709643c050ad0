import { BaseChannel } from './base-channel.js'
import type { Channel, SyncChannel, SyncWaitOptions } from './channel.js'
import { StraitError } from './error.js'

/**
 * How long a thread stays blocked at a time, in ms: in between it is back in JavaScript, where its worker can be
 * terminated and its process can exit.
 */
const LONGEST_BLOCK = 50

/** Whether a channel has `sendSync` and `receiveSync`: what `capabilities.sync` says. */
export const isSync = (channel: Channel): channel is SyncChannel => channel.capabilities.sync

/** A channel over a link that can `wait`. */
export class BlockingChannel extends BaseChannel implements SyncChannel {
  sendSync(message: Uint8Array, options?: SyncWaitOptions): void {
    checkTimeout(options?.timeout)
    if (!this.trySend(message)) this.#sendBlocking(message, options?.timeout)
    while (this.link.pending > 0) {
      if (this.sendFailure !== undefined) throw this.sendFailure
      this.block(false, LONGEST_BLOCK)
    }
  }

  #sendBlocking(message: Uint8Array, timeout: number | undefined): void {
    const patience = new Patience('send', this.url, timeout)
    do this.block(false, patience.slice())
    while (!this.trySend(message))
  }

  receiveSync(options?: SyncWaitOptions): Uint8Array | undefined {
    checkTimeout(options?.timeout)
    return this.receiveNow(true) ?? this.#receiveBlocking(options?.timeout)
  }

  #receiveBlocking(timeout: number | undefined): Uint8Array | undefined {
    const patience = new Patience('receive', this.url, timeout)
    while (!this.inputOver) {
      this.block(true, patience.slice())
      const message = this.receiveNow(true)
      if (message !== undefined) return message
    }
    return undefined
  }
}

/** - Errors: `RangeError` it is no number of ms, 0 or more. */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout === undefined || (typeof timeout === 'number' && timeout >= 0)) return
  throw new RangeError(`timeout must be 0 ms or more; it is ${timeout}`)
}

/** What is left of a timeout. */
class Patience {
  readonly #operation: string
  readonly #url: URL
  readonly #timeout: number | undefined
  readonly #deadline: number

  constructor(operation: string, url: URL, timeout: number | undefined) {
    this.#operation = operation
    this.#url = url
    this.#timeout = timeout
    this.#deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout
  }

  /** How long to block now, in ms; throws `TIMEOUT` when the time is over. */
  slice(): number {
    const left = this.#deadline - performance.now()
    if (left > 0) return Math.ceil(Math.min(left, LONGEST_BLOCK))
    throw new StraitError('TIMEOUT', `nothing within ${this.#timeout} ms`, {
      operation: this.#operation,
      url: this.#url,
    })
  }
}
