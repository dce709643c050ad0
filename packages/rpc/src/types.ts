import type { Channel, WaitOptions } from '@strait/core'

/** What a handler may ask about the call that it is doing: `callContext()`. */
export interface CallContext {
  /** Aborted when who called has given up, is gone, or has set a `timeout` that is over; of a notification, never. */
  readonly signal: AbortSignal
  readonly channel: Channel
}

// biome-ignore lint/suspicious/noExplicitAny: any function can be called
type AnyFunction = (...values: any[]) => any

type ArgumentsOf<F> = F extends (this: never, ...values: infer A) => unknown ? A : never
type AnswerOf<F> = F extends (this: never, ...values: never[]) => infer R ? Awaited<R> : never

/** What one iterates over, if the handler yields values. */
type ItemOf<R> =
  R extends AsyncIterable<infer T> ? T : R extends Generator<infer T, unknown, unknown> ? T : never

export interface CallOptions extends WaitOptions {
  /** In ms. After that the call rejects with `TIMEOUT`, and the other end is told to stop. Default: never. */
  timeout?: number | undefined
}

/**
 * A function at the other end.
 *
 * - Abort: `signal` rejects the call with `ABORTED` at once, and aborts that of the handler.
 * - Errors: what the handler throws, with class, code and `remoteStack`; `ABORTED`; `TIMEOUT`; `TOO_LARGE`; `CLOSED` the
 *   other end was closed meanwhile; the channel's failure; `NOT_SUPPORTED` there is no such function.
 */
export interface RemoteFunction<F> {
  (...values: ArgumentsOf<F>): Promise<AnswerOf<F>>
  /** The same, with options. */
  with(options: CallOptions): RemoteFunction<F>
  /** Calls it and does not wait; whether it fails, nobody is told. */
  notify(...values: ArgumentsOf<F>): void
  /**
   * The values that it yields, a few ahead of who reads them. To leave the loop ends the handler's own.
   */
  iterate(...values: ArgumentsOf<F>): AsyncIterableIterator<ItemOf<AnswerOf<F>>>
}

/** The functions at the other end, as if they were here. */
export type Remote<Handlers> = {
  readonly [Name in keyof Handlers as Handlers[Name] extends AnyFunction ? Name : never]: RemoteFunction<
    Handlers[Name]
  >
}
