import type { Channel, CloseInfo } from './channel.js'
import { type Codec, json } from './codec.js'
import { StraitError } from './error.js'
import { pump } from './pump.js'

/** 64 MiB */
const MAX_BUFFERED_AMOUNT = 64 * 1024 * 1024

/** What a message that waits costs beside its bytes, so that small ones are bounded too. */
const OVERHEAD = 256

export interface MessagePortOptions {
  /**
   * How much may wait to be sent, in bytes, each message counted with 256 more; the message that crosses the line still
   * waits. Beyond it the port aborts its channel. Default: 64 MiB.
   */
  maxBufferedAmount?: number | undefined
}

/** A list of what is transferred, or an object that has it, as `MessagePort` takes both. */
export type Transfer = readonly unknown[] | { readonly transfer?: readonly unknown[] | undefined }

type Listening = Parameters<EventTarget['addEventListener']>

/**
 * A channel as a `MessagePort`, for libraries that expect one, such as Comlink. Every event is a `MessageEvent`:
 * `message` has a value in `data`; `messageerror` a `CORRUPT` StraitError, of a message that the codec cannot decode;
 * `close` the channel's {@link CloseInfo}. From then on the channel is the port's.
 */
export interface ChannelPort extends EventTarget {
  /** What waits to be sent, in bytes, each message counted with 256 more. */
  readonly bufferedAmount: number

  /**
   * Sends a value behind those posted before. Never waits and never says whether it has left: a port has no
   * backpressure, and who posts faster than the peer reads looks at `bufferedAmount`. Past `maxBufferedAmount` the
   * channel is aborted with `NO_RESOURCES`, because a hole in the order would be worse. After the end, which `close`
   * tells of, it does nothing, as with every MessagePort.
   *
   * - Ownership: the value is encoded before this returns. An ArrayBuffer that is transferred is copied and stays.
   * - Errors: the codec's own; `TOO_LARGE`; `NOT_SUPPORTED` when anything but ArrayBuffers is transferred: a port
   *   or a stream cannot leave its process. Nothing is sent then.
   */
  postMessage(value: unknown, transfer?: Transfer): void

  /** Begins to read. The first listener for `message` does so too; until then everything waits in the channel. */
  start(): void

  /** Closes the channel behind everything posted. */
  close(): void
}

/** See {@link ChannelPort}. `json` is enough for plain data; two Node programs pass `structuredClone`. */
export function toMessagePort(
  channel: Channel,
  // biome-ignore lint/suspicious/noExplicitAny: as the codecs have it
  codec: Codec<any> = json,
  { maxBufferedAmount = MAX_BUFFERED_AMOUNT }: MessagePortOptions = {},
): ChannelPort {
  if (!(maxBufferedAmount >= 0)) {
    throw new RangeError(`maxBufferedAmount must not be negative, got ${maxBufferedAmount}`)
  }
  return new Port(channel, codec, maxBufferedAmount)
}

class Port extends EventTarget implements ChannelPort {
  readonly #channel: Channel
  readonly #codec: Codec<unknown>
  readonly #maxBufferedAmount: number
  #bufferedAmount = 0
  #reading: Promise<void> | undefined

  constructor(channel: Channel, codec: Codec<unknown>, maxBufferedAmount: number) {
    super()
    this.#channel = channel
    this.#codec = codec
    this.#maxBufferedAmount = maxBufferedAmount
    void channel.closed.then((info) => this.#onClosed(info))
  }

  get bufferedAmount(): number {
    return this.#bufferedAmount
  }

  postMessage(value: unknown, transfer: Transfer = []): void {
    const operation = 'postMessage'
    const { url, capabilities } = this.#channel
    const transferred = Array.isArray(transfer) ? transfer : (transfer as { transfer?: unknown[] }).transfer
    if (transferred?.some((each) => !(each instanceof ArrayBuffer))) {
      const reason = 'only the contents of an ArrayBuffer can leave the process'
      throw new StraitError('NOT_SUPPORTED', reason, { operation, url })
    }
    const message = this.#codec.encode(value)
    const limit = capabilities.maxMessageSize
    if (message.byteLength > limit) {
      const reason = `the message has ${message.byteLength} bytes, the limit is ${limit}`
      throw new StraitError('TOO_LARGE', reason, { operation, url })
    }
    if (this.#bufferedAmount >= this.#maxBufferedAmount) {
      const reason = `${this.#bufferedAmount} bytes wait for a peer that does not read`
      this.#channel.abort(new StraitError('NO_RESOURCES', reason, { operation, url }))
    }
    const cost = message.byteLength + OVERHEAD
    this.#bufferedAmount += cost
    const settled = () => {
      this.#bufferedAmount -= cost
    }
    this.#channel.send(message).then(settled, settled)
  }

  override addEventListener(...listening: Listening): void {
    super.addEventListener(...listening)
    if (listening[0] === 'message') this.start()
  }

  start(): void {
    const sink = {
      value: (value: unknown) => this.#dispatch('message', value),
      corrupt: (error: StraitError) => this.#dispatch('messageerror', error),
    }
    // How it ended, `close` says.
    this.#reading ??= pump(this.#channel, this.#codec, sink).catch(() => {})
  }

  close(): void {
    void this.#channel.close()
  }

  async #onClosed(info: CloseInfo): Promise<void> {
    await this.#reading
    this.#dispatch('close', info)
  }

  #dispatch(type: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(type, { data }))
  }
}
