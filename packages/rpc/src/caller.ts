import { type Channel, json, StraitError } from '@strait/core'
import { type ErrorClass, type ErrorOnWire, fromWire } from './errors.js'
import { type IncomingFrame, Kind } from './frame.js'
import { type AnyCodec, type EncodedArguments, Line } from './line.js'

export { type ErrorOnWire, fromWire, toWire } from './errors.js'
export { Kind } from './frame.js'
export { type AnyCodec, type EncodedArguments, encodeArguments } from './line.js'

export interface CallerOptions {
  /** Of arguments and results; both ends have the same. Default: json. */
  codec?: AnyCodec | undefined
  /** Classes of errors that both ends have, by their names: what is thrown there is one of them here. */
  errors?: readonly ErrorClass[] | undefined
}

/** Who is told what comes of a call: one of these, once. `ms`: so long it ran, where the other end says that. */
export interface CallEntry {
  onValue(value: unknown, ms: number | undefined): void
  onError(error: unknown, ms: number | undefined): void
  /** The channel has ended, and whether it was done is not known. */
  onLost(error: unknown): void
  /** Of an iteration, before the end: a value; the end has none. */
  onItem?(value: unknown): void
}

/**
 * Calls over a channel, for those who build upon it: `createClient` for everybody else.
 *
 * - Order: calls begin there in the order in which they were made here.
 * - Ownership: from now on the channel is read here.
 */
export class Caller {
  readonly channel: Channel
  readonly #line: Line
  readonly #errors: readonly ErrorClass[]
  readonly #entries = new Map<number, CallEntry>()
  #last = 0
  #failure: unknown

  /** Resolves when the channel has ended, with its failure if it had one. Never rejects. */
  readonly ended: Promise<unknown>

  constructor(channel: Channel, { codec = json, errors = [] }: CallerOptions = {}) {
    this.channel = channel
    this.#errors = errors
    this.#line = new Line(channel, codec, (frame) => this.#onFrame(frame), { answers: false })
    this.ended = this.#line.ended.then((failure) => {
      this.#failure =
        failure ?? new StraitError('CLOSED', 'the channel is closed', { operation: 'call', url: channel.url })
      const entries = [...this.#entries.values()]
      this.#entries.clear()
      for (const entry of entries) entry.onLost(this.#failure)
      return failure
    })
  }

  /**
   * Makes a call, and gives it its number: the next one, from 1 on.
   *
   * - Errors: `TOO_LARGE`; the channel's failure; `CLOSED`. Nothing was sent then.
   */
  begin(kind: Kind, name: Uint8Array, args: EncodedArguments, entry: CallEntry | undefined): number {
    if (this.#failure !== undefined) throw this.#failure
    const call = this.#next()
    this.#line.put({ kind, call, name, body: args.body, buffers: args.buffers })
    this.#last = call
    if (entry !== undefined) this.#entries.set(call, entry)
    return call
  }

  #next(): number {
    let call = this.#last
    do call = (call + 1) >>> 0
    while (this.#entries.has(call))
    return call
  }

  /** The other end is to do it within so many ms: a whole number, below 2³¹. */
  within(call: number, ms: number): void {
    const body = new Uint8Array(4)
    new DataView(body.buffer).setUint32(0, ms, true)
    this.#line.put({ kind: Kind.WITHIN, call, body })
  }

  /** The other end is asked to stop, and answers when it has. */
  cancel(call: number): void {
    if (this.#entries.has(call)) this.#line.signal(Kind.CANCEL, call)
  }

  /** Of an iteration: some more values may come. */
  more(call: number): void {
    if (this.#entries.has(call)) this.#line.signal(Kind.MORE, call)
  }

  /** There will be no answer; nobody is told. */
  forget(call: number): void {
    this.#entries.delete(call)
  }

  #onFrame(frame: IncomingFrame): void {
    const { kind, call } = frame
    if (kind < Kind.RESULT || kind > Kind.END) throw this.corrupt(`no answer is of the kind ${kind}`)
    const entry = this.#entries.get(call)
    if (entry === undefined) return
    if (kind !== Kind.ITEM) this.#entries.delete(call)
    let value: unknown
    try {
      value = this.#line.valueOf(frame)
      if (kind === Kind.ERROR) value = fromWire(value as ErrorOnWire, this.#errors)
    } catch (cause) {
      this.cancel(call)
      this.#entries.delete(call)
      entry.onError(this.corrupt('an answer that cannot be read', cause), undefined)
      return
    }
    if (kind === Kind.ERROR) entry.onError(value, frame.ms)
    else if (kind === Kind.ITEM) entry.onItem?.(value)
    else entry.onValue(value, frame.ms)
  }

  /** What the other end sends is none of what it may. */
  corrupt(reason: string, cause?: unknown): StraitError {
    return new StraitError('CORRUPT', reason, { operation: 'call', url: this.channel.url, cause })
  }
}
