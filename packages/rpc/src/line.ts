import { afterTurn, type Channel, type Codec, StraitError } from '@strait/core'
import {
  type Body,
  type IncomingFrame,
  type Kind,
  lengthOf,
  type MissingBuffer,
  MOST,
  MOST_BUFFERS,
  type OutgoingFrame,
  type PlacedBuffer,
  readFrames,
  type SelfWriting,
} from './frame.js'
import { Outbox } from './outbox.js'

/** For values that are small, a codec can do without an array for each. */
// biome-ignore lint/suspicious/noExplicitAny: what a codec can carry, only it knows
export interface AnyCodec extends Codec<any> {
  /** Instead of `encode`: what nobody can change from now on. undefined: not of this value. */
  capture?(value: unknown): SelfWriting | undefined
  /** Likewise of arguments; `decode` makes a list of it. */
  captureList?(values: readonly unknown[]): SelfWriting | undefined
  /** Instead of `decode`, of the bytes from `at` to `end`. */
  decodeAt?(bytes: Uint8Array, at: number, end: number): unknown
}

/** Arguments as they travel. */
export interface EncodedArguments {
  /** What the codec has made of them. */
  readonly body: Body | undefined
  /** The `Uint8Array`s among them, which are not the codec's. */
  readonly buffers: readonly PlacedBuffer[] | undefined
  /** Bytes in all. */
  readonly size: number
}

/** After so many messages the event loop has a turn, so that a peer that does not cease cannot starve it. */
const MESSAGES_PER_TURN = 32

/** Calls back when all microtasks have run, also those that they add. A browser, which never waits awake, needs no such thing. */
const afterMicrotasks: (callback: () => void) => void = globalThis.process?.nextTick ?? queueMicrotask

const EMPTY: EncodedArguments = { body: undefined, buffers: undefined, size: 0 }

/** - Ownership: bytes of long buffers must not change until they have left. - Errors: the codec's. */
export function encodeArguments(codec: AnyCodec, values: readonly unknown[]): EncodedArguments {
  if (values.length === 0) return EMPTY
  const captured = codec.captureList?.(values)
  if (captured !== undefined) return { body: captured, buffers: undefined, size: captured.length }
  let rest = values as unknown[]
  let buffers: PlacedBuffer[] | undefined
  let size = 0
  for (let place = 0; place < values.length; place++) {
    const value = values[place]
    if (!(value instanceof Uint8Array)) continue
    if (buffers === undefined) {
      rest = [...values]
      buffers = []
    }
    rest[place] = null
    buffers.push({ place, bytes: value })
    size += value.length
  }
  const body: Uint8Array = codec.encode(rest)
  return { body, buffers, size: size + body.length }
}

/** One end of a channel over which calls and answers travel: values there, frames back. */
export class Line {
  readonly channel: Channel
  readonly #codec: AnyCodec
  readonly #outbox: Outbox
  readonly #onFrame: (frame: IncomingFrame) => void
  readonly #answers: boolean
  /** A frame whose long buffers are still to come, and which they are. */
  #incomplete: { frame: IncomingFrame; missing: MissingBuffer[] } | undefined

  /** Resolves when the channel has ended, with its failure if it had one; and then nothing is read any more. */
  readonly ended: Promise<unknown>

  /**
   * - Backpressure: the end that `answers` reads no more calls while many answers wait for the other end to take them. The
   *   end that calls always reads, or each would wait for the other.
   */
  constructor(
    channel: Channel,
    codec: AnyCodec,
    onFrame: (frame: IncomingFrame) => void,
    { answers }: { answers: boolean },
  ) {
    this.channel = channel
    this.#codec = codec
    this.#onFrame = onFrame
    this.#answers = answers
    this.#outbox = new Outbox(channel)
    this.ended = this.#read()
  }

  async #read(): Promise<unknown> {
    // Whoever makes this has it when the first frame comes, which may be there already.
    await undefined
    try {
      for (let messages = 1; ; messages++) {
        let message = this.channel.tryReceive()
        if (message === undefined) {
          // Before this end waits awake, who has just been answered may go on, and call again.
          if (!this.#answers) await new Promise<void>(afterMicrotasks)
          message = await this.channel.receive()
        }
        if (message === undefined) return undefined
        this.#take(message)
        // What was answered at once; the next message may be there already.
        this.#outbox.flush()
        if (this.#answers && this.#outbox.crowded) await this.#outbox.emptied()
        if (messages % MESSAGES_PER_TURN === 0) await new Promise<void>(afterTurn)
      }
    } catch (error) {
      // What is no frame: nothing that follows can be trusted.
      this.channel.abort(error)
      return error
    }
  }

  #take(message: Uint8Array): void {
    if (this.#incomplete === undefined) {
      readFrames(message, this.channel.url, this.#takeFrame)
      return
    }
    const { frame, missing } = this.#incomplete
    const { place, length } = missing.shift()!
    if (message.length !== length) throw this.#corrupt(`a buffer of ${message.length} bytes, not ${length}`)
    frame.buffers.push({ place, bytes: message })
    if (missing.length > 0) return
    this.#incomplete = undefined
    this.#onFrame(frame)
  }

  readonly #takeFrame = (frame: IncomingFrame): void => {
    if (this.#incomplete !== undefined) throw this.#corrupt('a frame in place of a buffer')
    if (frame.missing.length === 0) this.#onFrame(frame)
    else this.#incomplete = { frame, missing: [...frame.missing] }
  }

  #corrupt(reason: string): StraitError {
    return new StraitError('CORRUPT', reason, { operation: 'receive', url: this.channel.url })
  }

  /** - Errors: `TOO_LARGE`: nothing is sent. */
  put(frame: OutgoingFrame): void {
    const most = this.channel.capabilities.maxMessageSize
    const length = lengthOf(frame)
    if (length > most || (frame.buffers !== undefined && !fits(frame.buffers, most))) {
      throw new StraitError('TOO_LARGE', `a frame, or a buffer, of more than ${most} bytes`, {
        operation: 'call',
        url: this.channel.url,
      })
    }
    this.#outbox.put(frame, length)
  }

  /** Resolves when there is room for more answers, or nobody will take them. */
  async room(): Promise<void> {
    if (this.#outbox.crowded) await this.#outbox.emptied()
  }

  /** Sends all. Whether the channel has taken it; if not, `onEmpty` is called when it has. */
  flush(onEmpty: () => void): boolean {
    return this.#outbox.flush(onEmpty)
  }

  signal(kind: Kind, call: number): void {
    this.put({ kind, call })
  }

  /** - Errors: the codec's; `TOO_LARGE`. */
  putValue(kind: Kind, call: number, value: unknown, ms?: number): void {
    if (value === undefined) {
      this.put({ kind, call, ms })
    } else if (value instanceof Uint8Array) {
      this.put({ kind, call, ms, buffers: [{ place: 0, bytes: value }] })
    } else {
      const body: Body = this.#codec.capture?.(value) ?? this.#codec.encode(value)
      this.put({ kind, call, ms, body })
    }
  }

  valueOf(frame: IncomingFrame): unknown {
    if (frame.buffers.length > 0) return frame.buffers[0]!.bytes
    return frame.bodyAt === frame.bodyEnd ? undefined : this.#decode(frame)
  }

  #decode({ message, bodyAt, bodyEnd }: IncomingFrame): unknown {
    const codec = this.#codec
    if (codec.decodeAt !== undefined) return codec.decodeAt(message, bodyAt, bodyEnd)
    return codec.decode(message.subarray(bodyAt, bodyEnd))
  }

  argumentsOf(frame: IncomingFrame): unknown[] {
    const { buffers } = frame
    const values: unknown = frame.bodyAt === frame.bodyEnd ? [] : this.#decode(frame)
    if (!Array.isArray(values)) throw this.#corrupt('arguments that are none')
    for (const { place, bytes } of buffers) {
      if (place >= values.length) throw this.#corrupt('a buffer without a place')
      values[place] = bytes
    }
    return values
  }
}

function fits(buffers: readonly PlacedBuffer[], most: number): boolean {
  const size = buffers.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return size <= MOST && buffers.length <= MOST_BUFFERS && buffers.every(({ bytes }) => bytes.length <= most)
}
