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
  sendSync(message: Uint8Array, { timeout }: SyncWaitOptions = {}): void {
    const patience = new Patience('send', this.url, timeout)
    while (!this.trySend(message)) this.block(false, patience.slice())
    while (this.link.pending > 0) {
      if (this.sendFailure !== undefined) throw this.sendFailure
      this.block(false, LONGEST_BLOCK)
    }
  }

  receiveSync({ timeout }: SyncWaitOptions = {}): Uint8Array | undefined {
    const patience = new Patience('receive', this.url, timeout)
    for (;;) {
      const message = this.receiveNow(true)
      if (message !== undefined || this.inputOver) return message
      this.block(true, patience.slice())
    }
  }
}

/** What is left of a timeout. */
class Patience {
  readonly #operation: string
  readonly #url: URL
  readonly #timeout: number | undefined
  readonly #deadline: number

  constructor(operation: string, url: URL, timeout: number | undefined) {
    if (timeout !== undefined && !(timeout >= 0))
      throw new RangeError(`timeout must be 0 ms or more, got ${timeout}`)
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
