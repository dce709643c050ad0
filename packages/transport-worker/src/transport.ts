import { MessageChannel, type MessagePort } from 'node:worker_threads'
import {
  BaseChannel,
  type Capabilities,
  type ChannelOptions,
  checkOptions,
  credited,
  DEFAULT_MAX_MESSAGE_SIZE,
  type Role,
  type WaitOptions,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { ThreadPort } from './port.js'

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'native',
  detectsPeerDeath: true,
  survivesSenderDeath: true,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  private: true,
  persistent: false,
  sync: false,
  threads: true,
  scope: 'process',
}

export interface WorkerSendOptions extends WaitOptions {
  /**
   * Moves the message's buffer to the other thread instead of copying it; afterwards it is empty here. The message
   * must be the whole of its buffer. What JavaScript cannot move is copied. Default: false.
   */
  transfer?: boolean | undefined
}

/** A channel between two threads of one process. */
export class WorkerChannel extends BaseChannel {
  readonly #port: ThreadPort

  private constructor(port: ThreadPort, link: ConstructorParameters<typeof BaseChannel>[0], url: URL) {
    super(link, { url, capabilities })
    this.#port = port
  }

  /**
   * Greets over a port of which nobody else is a user. One end has the role `listen`, the other `connect`.
   *
   * - Errors: `CORRUPT` the other end does not speak Strait; `RESET`, `REFUSED` it closed the port; `TIMEOUT`;
   *   `AUTH_FAILED`; `ABORTED`.
   */
  static async over(
    messagePort: MessagePort,
    role: Role,
    url: URL,
    options: ChannelOptions,
  ): Promise<WorkerChannel> {
    const port = new ThreadPort(messagePort, url)
    return new WorkerChannel(port, await credited(port, role, url, options), url)
  }

  override send(message: Uint8Array, options?: WorkerSendOptions): Promise<void> {
    if (options?.transfer !== true) return super.send(message, options)
    const whole = message.byteLength === message.buffer?.byteLength && message.buffer instanceof ArrayBuffer
    if (!whole)
      return Promise.reject(new TypeError('only a message that is its whole ArrayBuffer can be moved'))
    this.#port.move(message)
    const sending = super.send(message, options)
    sending.catch(() => this.#port.keep(message))
    return sending
  }
}

/**
 * Makes a channel of one end of your own `MessageChannel`, between any two threads. One end passes `listen`, the other
 * `connect`; nobody else may use the port. The contract is that of {@link WorkerChannel.over}.
 */
export function overPort(
  port: MessagePort,
  role: Role,
  options: ChannelOptions = {},
): Promise<WorkerChannel> {
  checkOptions(options)
  return WorkerChannel.over(port, role, new URL('worker:'), options)
}

/** `worker:`: threads of this process; worker_threads. A spawned peer is a `Worker`. */
export const worker = {
  schemes: ['worker'],
  capabilities,

  async pair(options: ChannelOptions = {}): Promise<[WorkerChannel, WorkerChannel]> {
    checkOptions(options)
    const { port1, port2 } = new MessageChannel()
    const { signal: _, ...rest } = options
    return Promise.all([overPort(port1, 'listen', rest), overPort(port2, 'connect', rest)])
  },

  thread: { join: WorkerChannel.over },
} satisfies PeerTransport
