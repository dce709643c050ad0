import { type BaseChannel, isSync, type PeerInfo, StraitError, type SyncChannel } from '@strait/core'
import { fill } from './fill.js'
import { digest, pattern } from './pattern.js'

/** An error as it travels between processes. */
export interface ErrorReport {
  readonly code: string | undefined
  readonly name: string
  readonly message: string
}

export function reportError(error: unknown): ErrorReport {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { code: StraitError.is(error) ? error.code : undefined, name, message }
}

/** What came of reading: the digests of the messages, then how it ended, if it did. */
export interface Harvest {
  readonly digests: string[]
  readonly end?: 'clean' | ErrorReport
}

/** The methods with which a thread can block. */
export const BLOCKING_METHODS = ['sendSync', 'receiveSync'] as const
export type BlockingMethod = (typeof BLOCKING_METHODS)[number]

/** A channel that can block its thread. */
export function blocking(channel: BaseChannel): SyncChannel {
  if (!isSync(channel)) throw new TypeError(`a channel of ${channel.url} cannot block its thread`)
  return channel
}

/**
 * Says with a message that it is about to block this thread, then does so until the channel ends: nobody sends to it,
 * or nobody reads.
 */
export function blockIn(method: BlockingMethod, channel: SyncChannel): void {
  channel.sendSync(pattern(0, 9))
  if (method === 'receiveSync') channel.receiveSync()
  else for (;;) channel.sendSync(pattern(0, 60_000))
}

/**
 * The far end of a test. It does what the test says, in this process or in another one, and reports in plain data.
 * Every method may be called while another one waits.
 */
export class Actor {
  readonly #channel: BaseChannel
  constructor(channel: BaseChannel) {
    this.#channel = channel
  }

  /** Sends messages `first` … of these sizes, each after the one before was accepted. */
  async send(first: number, sizes: readonly number[]): Promise<void> {
    for (const [offset, size] of sizes.entries()) await this.#channel.send(pattern(first + offset, size))
  }

  /** Takes in messages `first` … of one size until the channel is full, or has taken `most`. Returns how many. */
  async fill(first: number, size: number, most?: number): Promise<number> {
    return fill(this.#channel, first, size, most)
  }

  /** Receives so many messages, or until the end. */
  async receive(count: number): Promise<Harvest> {
    const digests: string[] = []
    try {
      while (digests.length < count) {
        const message = await this.#channel.receive()
        if (message === undefined) return { digests, end: 'clean' }
        digests.push(digest(message))
      }
      return { digests }
    } catch (error) {
      return { digests, end: reportError(error) }
    }
  }

  /** Sends back whatever comes, until the end, which it returns. */
  async echo(): Promise<'clean' | ErrorReport> {
    try {
      for await (const message of this.#channel) await this.#channel.send(message)
      return 'clean'
    } catch (error) {
      return reportError(error)
    }
  }

  /** As {@link send}, and blocks this thread. */
  async sendSync(first: number, sizes: readonly number[]): Promise<void> {
    const channel = blocking(this.#channel)
    for (const [offset, size] of sizes.entries()) channel.sendSync(pattern(first + offset, size))
  }

  /** As {@link echo}, and blocks this thread. */
  async echoSync(): Promise<'clean' | ErrorReport> {
    const channel = blocking(this.#channel)
    try {
      for (let message = channel.receiveSync(); message !== undefined; message = channel.receiveSync()) {
        channel.sendSync(message)
      }
      return 'clean'
    } catch (error) {
      return reportError(error)
    }
  }

  async blockIn(method: BlockingMethod): Promise<void> {
    blockIn(method, blocking(this.#channel))
  }

  /** The code with which a send fails, or undefined: it did not. */
  async sendFails(): Promise<string | undefined> {
    return this.#channel.send(pattern(0, 8)).then(
      () => undefined,
      (error) => reportError(error).code,
    )
  }

  async close(): Promise<void> {
    await this.#channel.close()
  }

  async abort(): Promise<void> {
    this.#channel.abort()
  }

  /** How the channel ended, once it has. */
  async closed(): Promise<{ by: string; code: string | null }> {
    const { by, error } = await this.#channel.closed
    return { by, code: error?.code ?? null }
  }

  async state(): Promise<string> {
    return this.#channel.state
  }

  async peer(): Promise<PeerInfo | undefined> {
    return this.#channel.peer
  }

  async maxMessageSize(): Promise<number> {
    return this.#channel.capabilities.maxMessageSize
  }

  async unref(): Promise<void> {
    this.#channel.unref()
  }
}

export type ActorMethod = Exclude<keyof Actor, symbol>
