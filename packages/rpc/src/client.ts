import {
  Aborts,
  abortedError,
  type Channel,
  checkTimeout,
  json,
  StraitError,
  throwIfAborted,
} from '@strait/core'
import { type CallEntry, Caller, type CallerOptions } from './caller.js'
import { ITEMS, Kind } from './frame.js'
import { type AnyCodec, encodeArguments } from './line.js'
import type { CallOptions, Remote } from './types.js'

const encoder = new TextEncoder()
/** What a timer can wait, in ms. */
const LONGEST = 2 ** 31 - 1

/** A call whose caller may give up. */
abstract class OpenCall implements CallEntry {
  call = 0
  signal: AbortSignal | undefined
  timer: ReturnType<typeof setTimeout> | undefined
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  get client(): Client {
    return this.#client
  }

  abstract onValue(value: unknown): void
  abstract onError(error: unknown): void

  onLost(error: unknown): void {
    this.onError(error)
  }

  /** Nobody waits for it any more: it ends here, and the other end is told. */
  giveUp(error: unknown): void {
    this.#client.caller.cancel(this.call)
    this.onError(error)
  }

  /** Neither signal nor time ends it any more. */
  protected settle(): void {
    if (this.signal !== undefined) this.#client.aborts.delete(this.signal, this)
    if (this.timer !== undefined) clearTimeout(this.timer)
  }
}

/** All calls of one channel. */
class Client {
  readonly caller: Caller
  readonly #codec: AnyCodec
  readonly aborts = new Aborts<OpenCall>((calls, signal) => {
    for (const call of calls) call.giveUp(abortedError('call', this.caller.channel.url, signal.reason))
  })

  constructor(channel: Channel, options: CallerOptions) {
    this.caller = new Caller(channel, options)
    this.#codec = options.codec ?? json
  }

  /** - Errors: what keeps it from being sent; then nothing was. */
  begin(
    kind: Kind,
    name: Uint8Array,
    values: unknown[],
    { signal, timeout }: CallOptions,
    open: OpenCall | undefined,
  ): void {
    const { url } = this.caller.channel
    throwIfAborted('call', url, signal)
    checkTimeout(timeout)
    const call = this.caller.begin(kind, name, encodeArguments(this.#codec, values), open)
    if (open === undefined) return
    open.call = call
    if (signal !== undefined) {
      open.signal = signal
      this.aborts.add(signal, open)
    }
    if (timeout === undefined || timeout > LONGEST) return
    this.caller.within(call, Math.ceil(timeout))
    open.timer = setTimeout(() => {
      open.giveUp(new StraitError('TIMEOUT', `no answer within ${timeout} ms`, { operation: 'call', url }))
    }, timeout)
  }
}

/** A call with one answer. */
class Answer extends OpenCall {
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void

  constructor(client: Client, resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    super(client)
    this.#resolve = resolve
    this.#reject = reject
  }

  // A promise that is settled stays so: what comes after it was given up is for nobody.
  onValue(value: unknown): void {
    this.settle()
    this.#resolve(value)
  }

  onError(error: unknown): void {
    this.settle()
    this.#reject(error)
  }
}

interface Reader {
  resolve(result: IteratorResult<unknown>): void
  reject(error: unknown): void
}

/** The values of an iteration as they come; at most two times `ITEMS` ahead of who reads them. */
class RemoteIterator extends OpenCall implements AsyncIterableIterator<unknown> {
  readonly #values: unknown[] = []
  readonly #readers: Reader[] = []
  #ended = false
  #error: { error: unknown } | undefined
  #read = 0

  begin(name: Uint8Array, values: unknown[], options: CallOptions): this {
    this.client.begin(Kind.ITERATE, name, values, options, this)
    this.client.caller.more(this.call)
    this.client.caller.more(this.call)
    return this
  }

  onItem(value: unknown): void {
    if (this.#ended) return
    const reader = this.#readers.shift()
    if (reader !== undefined) {
      this.#hand(reader, value)
      return
    }
    if (this.#values.length === 2 * ITEMS) throw this.client.caller.corrupt('more values than were asked for')
    this.#values.push(value)
  }

  onValue(): void {
    this.#end(undefined)
  }

  onError(error: unknown): void {
    this.#end({ error })
  }

  #hand(reader: Reader, value: unknown): void {
    if (++this.#read % ITEMS === 0) this.client.caller.more(this.call)
    reader.resolve({ done: false, value })
  }

  #end(error: { error: unknown } | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.settle()
    for (const reader of this.#readers.splice(0)) this.#finish(reader)
  }

  /** Who reads behind the end: the error once, then nothing more. */
  #finish({ resolve, reject }: Reader): void {
    const failed = this.#error
    this.#error = undefined
    if (failed === undefined) resolve({ done: true, value: undefined })
    else reject(failed.error)
  }

  next(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject }
      if (this.#values.length > 0) this.#hand(reader, this.#values.shift())
      else if (this.#ended) this.#finish(reader)
      else this.#readers.push(reader)
    })
  }

  /** Leaves the loop: the handler at the other end is told. */
  async return(): Promise<IteratorResult<unknown>> {
    this.#values.length = 0
    if (!this.#ended) this.client.caller.cancel(this.call)
    this.#end(undefined)
    this.#error = undefined
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/**
 * The functions that the other end serves, as if they were here: `await client.add(1, 2)`.
 *
 * - Order: calls begin there in the order in which they were made here.
 * - Ownership: from now on the channel is read here. Close it yourself: what is not answered by then rejects with
 *   `CLOSED`. The bytes of long buffers must not change until the call is answered.
 * - Backpressure: calls that the other end has not taken yet are in memory; limit how many you make at a time.
 */
export function createClient<Handlers extends object>(
  channel: Channel,
  options: CallerOptions = {},
): Remote<Handlers> {
  const client = new Client(channel, options)
  const functions = new Map<string, unknown>()
  return new Proxy(Object.freeze(Object.create(null)), {
    get(_target, name) {
      // An object with a function `then` would be taken for a promise.
      if (typeof name !== 'string' || name === 'then') return undefined
      let known = functions.get(name)
      if (known === undefined) {
        known = remoteFunction(client, name, {})
        functions.set(name, known)
      }
      return known
    },
  }) as Remote<Handlers>
}

function remoteFunction(client: Client, name: string, options: CallOptions): unknown {
  const bytes = encoder.encode(name)
  if (bytes.length > 255)
    throw new RangeError(`the name of a function has at most 255 bytes, not ${bytes.length}`)
  const call = (...values: unknown[]) =>
    new Promise((resolve, reject) => {
      client.begin(Kind.CALL, bytes, values, options, new Answer(client, resolve, reject))
    })
  return Object.assign(call, {
    with: (more: CallOptions) => remoteFunction(client, name, { ...options, ...more }),
    notify: (...values: unknown[]): void => client.begin(Kind.NOTIFY, bytes, values, options, undefined),
    iterate: (...values: unknown[]) => new RemoteIterator(client).begin(bytes, values, options),
  })
}
