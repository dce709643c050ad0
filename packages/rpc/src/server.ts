import { afterTurn, type Channel, json, StraitError } from '@strait/core'
import { Call } from './call.js'
import { toWire } from './errors.js'
import { type IncomingFrame, ITEMS, Kind } from './frame.js'
import { functionsOf, type Handler, isIterator, isThenable, nameOf } from './functions.js'
import { sendValues } from './iterate.js'
import { type AnyCodec, Line } from './line.js'

export interface ServeOptions {
  /** Of arguments and results; both ends have the same. Default: json. */
  codec?: AnyCodec | undefined
  /**
   * So many calls run at a time; others wait here for their turn. What is answered has left before the next one begins: who
   * dies in one call has answered all before it. Default: all run.
   */
  concurrency?: number | undefined
  /** So many may run and wait; one more is answered with `NO_RESOURCES`. Default: 65,536. */
  maxCalls?: number | undefined
  /** The arguments of those that run and wait have so many bytes at most; then likewise. Default: 1 GiB. */
  maxBytes?: number | undefined
  /** Whether answers say how long the handler ran. Default: false. */
  timed?: boolean | undefined
  /** Asked before a call begins, with its number: whether it is to be done. If not, it is not answered. Default: all. */
  claim?: ((call: number) => boolean) | undefined
  /** Of a notification, which has nobody to be told, and of an answer that cannot be encoded. Default: nothing. */
  onError?: ((error: unknown, name: string) => void) | undefined
}

export interface Server {
  /** Resolves when the channel has ended and no handler runs any more; with its failure, if it had one. Never rejects. */
  readonly done: Promise<unknown>
  /** How many calls run, and how many wait for their turn. */
  readonly running: number
  readonly waiting: number
}

const MAX_CALLS = 65_536
const MAX_BYTES = 2 ** 30
/** What a timer can wait, in ms. */
const LONGEST = 2 ** 31 - 1
/** So long calls that wait follow one another without a turn of the event loop, in ms. */
const TURN = 5

/**
 * Lets the other end call these functions: the own ones of an object or a module, and the methods of a class, with the
 * object as `this`. They are looked up now; none that is added later is found. {@link callContext} tells them more.
 *
 * - Order: calls begin in the order in which they were made; each is answered when it is done.
 * - Ownership: from now on the channel is read here. Close it yourself; `done` says when it has ended.
 * - Errors: what a handler throws goes to who called. What is no call at all is `CORRUPT` and ends the channel.
 */
export function serve(channel: Channel, handlers: object, options: ServeOptions = {}): Server {
  return new CallServer(channel, handlers, options)
}

class CallServer implements Server {
  readonly done: Promise<unknown>
  readonly #channel: Channel
  readonly #handlers: object
  readonly #functions: Map<string, Handler>
  readonly #options: ServeOptions
  readonly #concurrency: number
  readonly #maxCalls: number
  readonly #maxBytes: number
  readonly #line: Line
  /** Those that somebody may still give up. */
  readonly #calls = new Map<number, Call>()
  readonly #queue: Call[] = []
  #running = 0
  /** Of the arguments of all that run and wait. */
  #bytes = 0
  #taking = false
  #idle: (() => void) | undefined

  constructor(channel: Channel, handlers: object, options: ServeOptions) {
    const { codec = json, concurrency = Number.POSITIVE_INFINITY } = options
    const { maxCalls = MAX_CALLS, maxBytes = MAX_BYTES } = options
    if (!(concurrency >= 1)) throw new RangeError(`concurrency must be at least 1, not ${concurrency}`)
    if (!(maxCalls >= 1)) throw new RangeError(`maxCalls must be at least 1, not ${maxCalls}`)
    if (!(maxBytes >= 0)) throw new RangeError(`maxBytes must be at least 0, not ${maxBytes}`)
    this.#channel = channel
    this.#handlers = handlers
    this.#functions = functionsOf(handlers)
    this.#options = options
    this.#concurrency = concurrency
    this.#maxCalls = maxCalls
    this.#maxBytes = maxBytes
    this.#line = new Line(channel, codec, (frame) => this.#onFrame(frame), { answers: true })
    this.done = this.#line.ended.then((failure) => this.#stop(failure))
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#queue.length
  }

  async #stop(failure: unknown): Promise<unknown> {
    const reason = failure ?? this.#error('CLOSED', 'the other end was closed')
    this.#queue.length = 0
    for (const call of this.#calls.values()) {
      clearTimeout(call.timer)
      call.cancel(reason)
    }
    this.#calls.clear()
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    return failure
  }

  #error(code: ConstructorParameters<typeof StraitError>[0], reason: string): StraitError {
    return new StraitError(code, reason, { operation: 'call', url: this.#channel.url })
  }

  #onFrame(frame: IncomingFrame): void {
    const { kind, call } = frame
    switch (kind) {
      case Kind.CALL:
      case Kind.NOTIFY:
      case Kind.ITERATE:
        this.#onCall(frame)
        return
      case Kind.CANCEL:
        this.#calls.get(call)?.cancel(this.#error('ABORTED', 'whoever called has given up'))
        return
      case Kind.MORE:
        this.#calls.get(call)?.allow(ITEMS)
        return
      case Kind.WITHIN:
        this.#limit(frame)
        return
      default:
        throw this.#error('CORRUPT', `a frame of the unknown kind ${kind}`)
    }
  }

  #onCall(frame: IncomingFrame): void {
    if (this.#calls.has(frame.call)) throw this.#error('CORRUPT', `call ${frame.call} comes twice`)
    const call = new Call(this.#channel, frame, nameOf(frame))
    if (this.#running + this.#queue.length >= this.#maxCalls) {
      this.#answerError(call, this.#error('NO_RESOURCES', `${this.#maxCalls} calls run or wait already`))
      return
    }
    if (this.#bytes + call.size > this.#maxBytes) {
      const reason = `the calls that run or wait would have more than ${this.#maxBytes} bytes`
      this.#answerError(call, this.#error('NO_RESOURCES', reason))
      return
    }
    this.#bytes += call.size
    if (this.#concurrency === Number.POSITIVE_INFINITY) {
      this.#begin(call)
    } else {
      this.#queue.push(call)
      if (call.answers) this.#calls.set(frame.call, call)
      this.#takeTurns()
    }
  }

  /** A call that is to be done within a time, which began when it came. */
  #limit({ call: number, message, bodyAt, bodyEnd }: IncomingFrame): void {
    const call = this.#calls.get(number)
    if (call === undefined || bodyEnd - bodyAt !== 4) return
    const view = new DataView(message.buffer, message.byteOffset)
    const ms = Math.min(view.getUint32(bodyAt, true), LONGEST)
    clearTimeout(call.timer)
    call.timer = setTimeout(() => call.cancel(this.#error('TIMEOUT', `not done within ${ms} ms`)), ms)
  }

  /** Those whose turn it is begin. */
  readonly #takeTurns = (): void => {
    if (this.#taking) return
    this.#taking = true
    const until = performance.now() + TURN
    while (this.#queue.length > 0 && this.#running < this.#concurrency) {
      if (!this.#line.flush(this.#takeTurns)) break
      const leaving = this.#line.channel.flushed()
      if (leaving !== undefined) {
        // Where it fails, the channel has ended.
        leaving.then(this.#takeTurns, () => {})
        break
      }
      if (performance.now() > until) {
        afterTurn(this.#takeTurns)
        break
      }
      this.#beginOrNot(this.#queue.shift()!)
    }
    this.#taking = false
  }

  #beginOrNot(call: Call): void {
    const { cancelled, frame } = call
    if (cancelled !== undefined) {
      this.#forget(call)
      this.#answerError(call, cancelled.reason)
    } else if (this.#options.claim?.(frame.call) === false) {
      this.#forget(call)
    } else {
      this.#begin(call)
    }
  }

  #begin(call: Call): void {
    const { frame } = call
    this.#running++
    if (this.#options.timed) call.began = performance.now()
    let result: unknown
    try {
      const handler = this.#functions.get(call.name)
      if (handler === undefined) throw this.#error('NOT_SUPPORTED', `there is no function ${call.name}`)
      const values = this.#line.argumentsOf(frame)
      result = call.run(() => handler.apply(this.#handlers, values))
    } catch (error) {
      this.#fail(call, error)
      return
    }
    if (frame.kind === Kind.ITERATE) {
      this.#calls.set(frame.call, call)
      sendValues(this.#line, call, result).then(
        () => this.#end(call),
        (error) => this.#fail(call, error),
      )
    } else if (isThenable(result)) {
      if (call.answers) this.#calls.set(frame.call, call)
      result.then(
        (value) => this.#answer(call, value),
        (error) => this.#fail(call, error),
      )
    } else {
      this.#answer(call, result)
    }
  }

  #forget({ frame, size, timer }: Call): void {
    this.#bytes -= size
    if (timer !== undefined) clearTimeout(timer)
    if (this.#calls.size > 0) this.#calls.delete(frame.call)
  }

  #answer(call: Call, value: unknown): void {
    // Nobody waits for the value any more, or its time is over.
    if (call.cancelled !== undefined) {
      this.#fail(call, call.cancelled.reason)
      return
    }
    try {
      if (isIterator(value)) throw new TypeError(`${call.name} yields values; iterate over them`)
      if (call.answers) this.#line.putValue(Kind.RESULT, call.frame.call, value, this.#duration(call))
    } catch (error) {
      if (call.answers) this.#options.onError?.(error, call.name)
      this.#fail(call, error)
      return
    }
    this.#finish(call)
  }

  #fail(call: Call, error: unknown): void {
    this.#answerError(call, error)
    this.#finish(call)
  }

  #answerError(call: Call, error: unknown): void {
    if (!call.answers) {
      this.#options.onError?.(error, call.name)
      return
    }
    try {
      this.#line.putValue(Kind.ERROR, call.frame.call, toWire(error), this.#duration(call))
    } catch {
      // Its message is larger than one of the channel may be, or nothing that the codec can say.
      const wire = { name: 'Error', message: 'an error that cannot be sent' }
      this.#line.putValue(Kind.ERROR, call.frame.call, wire, this.#duration(call))
    }
  }

  #duration({ began }: Call): number | undefined {
    if (!this.#options.timed) return undefined
    return began === 0 ? 0 : performance.now() - began
  }

  #finish(call: Call): void {
    this.#forget(call)
    if (--this.#running === 0) this.#idle?.()
    if (this.#queue.length > 0) this.#takeTurns()
  }

  /** Of an iteration. */
  #end(call: Call): void {
    this.#line.put({ kind: Kind.END, call: call.frame.call, ms: this.#duration(call) })
    this.#finish(call)
  }
}
