import type { Socket } from 'node:net'
import {
  BaseChannel,
  type ChannelOptions,
  credited,
  DEFAULT_MAX_MESSAGE_SIZE,
  type Role,
  StraitError,
} from '@strait/core'
import { systemError } from '@strait/core/node'
import type { WebSocket } from 'ws'
import { capabilities } from './capabilities.js'
import { WebSocketPort } from './port.js'
import { LONGEST_UNIT } from './unit.js'

/** How long the closing handshake of WebSocket may take, in ms. Both ends have said their END by then. */
const CLOSING = 1_000

/** A peer that sends in smaller pieces than this, on average, in bytes, costs more than it sends. */
const SMALLEST_CHUNK = 1_024

/** Options of `ws` that both ends have. Until the greeting is done, only units of a greeting are taken. */
export const settings = ({ maxMessageSize = DEFAULT_MAX_MESSAGE_SIZE }: ChannelOptions) => ({
  perMessageDeflate: false,
  maxPayload: LONGEST_UNIT,
  maxBufferedChunks: Math.max(256 * 1024, maxMessageSize / SMALLEST_CHUNK),
  // @types/ws does not know this one yet.
  closeTimeout: CLOSING,
})

/**
 * Greets over an open WebSocket and makes a channel of it.
 *
 * - Errors: those of `Transport.connect`; the socket is then destroyed.
 */
export async function greet(
  webSocket: WebSocket,
  socket: Socket,
  role: Role,
  url: URL,
  options: ChannelOptions,
): Promise<BaseChannel> {
  const { key, maxMessageSize = DEFAULT_MAX_MESSAGE_SIZE } = options
  // The first message may be in the same chunk as the last unit of the greeting, unless we have the last word in it.
  const weEndIt = role === 'listen' && key !== undefined
  const port = new SocketPort(webSocket, socket, url, weEndIt ? LONGEST_UNIT : maxMessageSize)
  const link = await credited(port, role, url, options)
  port.limit(link.maxMessageSize)
  return new BaseChannel(link, { url, capabilities })
}

/** A WebSocket of the package `ws`. */
class SocketPort extends WebSocketPort {
  readonly #webSocket: WebSocket
  readonly #socket: Socket
  #broken = false
  #sent = 0
  /** The last of what the write under way contains. */
  #writing = 0
  /** Of what was sent, what had not been written at once. */
  readonly #leaving: { ticket: number; left: () => void }[] = []

  /** `limit`: the longest message in bytes from the first unit of the greeting on. */
  constructor(webSocket: WebSocket, socket: Socket, url: URL, limit: number) {
    super(url)
    this.#webSocket = webSocket
    this.#socket = socket
    let greeted = false
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        this.binary(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      } else {
        if (!greeted) this.limit(limit)
        greeted = true
        this.text(data.toString('latin1'))
      }
    })
    webSocket.on('error', (error) => this.gone(this.#misbehaviour(error)))
    webSocket.on('close', () => this.gone())
    socket.once('end', () => this.gone())
    this.#watchWrites()
  }

  /** What `ws` finds wrong with what the peer sends. Errors of the socket it keeps to itself. */
  #misbehaviour(error: Error & { code?: string }): StraitError {
    const context = { operation: 'receive', url: this.url, cause: error }
    return error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
      ? new StraitError('TOO_LARGE', 'the peer announced a message over the limit', context)
      : new StraitError('CORRUPT', `the peer does not keep to WebSocket: ${error.message}`, context)
  }

  /**
   * Tells us alone what has been written and what failed. `net.Socket` would destroy both directions at a failed write,
   * and what the peer had sent before it died would be lost in the kernel: docs/adr/0002-read-path.md. Reading goes on
   * until the kernel says the end.
   */
  #watchWrites(): void {
    let settle: (error?: Error | null) => void
    const onWritten = (error?: Error | null) => {
      if (error) this.#break(error)
      const written = this.#writing
      settle()
      this.#left(written)
    }
    const socket = this.#socket
    const { _write, _writev } = socket
    socket._write = (chunk, encoding, callback) => {
      settle = callback
      this.#writing = this.#sent
      _write.call(socket, chunk, encoding, onWritten)
    }
    socket._writev = (chunks, callback) => {
      settle = callback
      this.#writing = this.#sent
      _writev!.call(socket, chunks, onWritten)
    }
  }

  #left(written: number): void {
    while (!this.#broken && this.#leaving.length > 0 && this.#leaving[0]!.ticket <= written) {
      this.#leaving.shift()!.left()
    }
  }

  #break(error: Error): void {
    if (this.#broken) return
    this.#broken = true
    const failure = systemError(error, 'send', this.url)
    process.nextTick(() => this.events.fail(failure))
  }

  /** Sets the longest message that is read, in bytes. `ws` compares the announced length with it, and has no setter. */
  limit(bytes: number): void {
    const { _receiver } = this.#webSocket as unknown as { _receiver: { _maxPayload: number } }
    _receiver._maxPayload = Math.max(bytes, LONGEST_UNIT)
  }

  protected transmit(data: Uint8Array | string, lent: boolean, left: () => void): boolean {
    const webSocket = this.#webSocket
    if (this.#broken || webSocket.readyState !== webSocket.OPEN) return false
    // What is neither masked nor written at once is kept as it is.
    const ticket = ++this.#sent
    webSocket.send(lent || typeof data === 'string' ? data : new Uint8Array(data))
    // Set by a write that failed at once, behind TypeScript's back.
    if (!(this.#broken as boolean) && webSocket.bufferedAmount === 0) return true
    this.#leaving.push({ ticket, left })
    return false
  }

  protected hangUp(cleanly: boolean): void {
    if (cleanly) this.#webSocket.close(1000)
    else this.#webSocket.terminate()
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }
}
