import type { Capabilities, Channel, CloseInfo, PeerInfo, WaitOptions } from './channel.js'
import { observer } from './diagnostics.js'
import { abortedError, StraitError } from './error.js'
import { afterTurn } from './event-loop.js'
import { type Link, NO_EVENTS } from './link.js'
import { Waiters } from './waiters.js'

/** How long `await using` waits for a slow close before it aborts, in ms. */
const LINGER = 1_000

/** How many messages one channel hands out before the event loop gets a turn, so that a fast peer cannot starve it. */
const MESSAGES_PER_TURN = 256

const DONE = Promise.resolve()

/** A send whose message the link has taken and that has not wholly left. */
interface Leaving {
  /** Which message this is, counted from 1. */
  readonly ticket: number
  resolve(): void
  reject(error: unknown): void
}

export interface BaseChannelOptions {
  url: URL
  capabilities: Capabilities
  peer?: PeerInfo | undefined
}

/**
 * Makes a `Channel` of a `Link`. This class alone keeps the contract: order, abort, ends and errors are decided here,
 * once for all transports.
 *
 * Incoming: `#pull` moves messages from the link to those who wait, and with nobody waiting looks one message ahead,
 * so that an end is noticed although nobody reads. Outgoing: `#push` hands waiting messages to the link.
 */
export class BaseChannel implements Channel {
  readonly url: URL
  readonly capabilities: Capabilities
  readonly peer: PeerInfo | undefined
  readonly closed: Promise<CloseInfo>

  /** For concrete channels that offer more than the contract. */
  protected readonly link: Link

  readonly #receivers: Waiters<Uint8Array | undefined>
  readonly #watchers: Waiters<void>
  readonly #senders: Waiters<void, Uint8Array>
  readonly #leaving: Leaving[] = []
  #taken = 0
  #ahead: Uint8Array | undefined
  #budget = MESSAGES_PER_TURN

  #state: Channel['state'] = 'open'
  #endedBy: CloseInfo['by'] | undefined
  /** `close()` was called here: from then on receives see a clean end, whatever happens. */
  #closedHere = false
  /** Nothing comes any more: `#ahead`, then the failure or the clean end. */
  #inputEnded = false
  #shuttingDown = false
  /** Our end has left, or cannot any more. */
  #outputEnded = false
  /** The channel's one failure. */
  #failure: StraitError | undefined
  /** What sends fail with, from when they can no longer succeed. */
  #sendFailure: StraitError | undefined
  #explain: ((error: StraitError) => Promise<StraitError>) | undefined
  #explanation: Promise<StraitError> | undefined
  /** What a failure will do once it is explained. */
  readonly #unexplained: (() => void)[] = []
  #resolveClosed!: (info: CloseInfo) => void

  constructor(link: Link, { url, capabilities, peer }: BaseChannelOptions) {
    this.url = url
    this.peer = peer
    this.link = link
    this.capabilities = { ...capabilities, maxMessageSize: link.maxMessageSize }
    this.#receivers = new Waiters('receive', url)
    this.#watchers = new Waiters('readable', url)
    this.#senders = new Waiters('send', url)
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    link.events = {
      readable: () => this.#pull(),
      writable: () => this.#push(),
      end: (error) => this.#explained(error, (explained) => this.#onEnd(explained)),
      fail: (error) => this.#explained(error, (explained) => this.#onFail(explained as StraitError)),
    }
    observer.channelOpened?.(this)
    this.#pull()
  }

  get state(): Channel['state'] {
    return this.#state
  }

  trySend(message: Uint8Array): boolean {
    const refusal = this.#refuseSend(message)
    if (refusal !== undefined) throw refusal
    return this.#senders.size === 0 && this.#write(message, false)
  }

  send(message: Uint8Array, options?: WaitOptions): Promise<void> {
    const signal = options?.signal
    const refusal = this.#refuseSend(message, signal)
    if (refusal !== undefined) return Promise.reject(refusal)
    if (this.#senders.size > 0 || this.#budget === 0 || !this.#write(message, true)) {
      return this.#senders.wait(message, signal)
    }
    this.#spend()
    return this.flushed() ?? DONE
  }

  flushed(): Promise<void> | undefined {
    if (this.link.pending === 0) return undefined
    if (this.#sendFailure !== undefined) return Promise.reject(this.#sendFailure)
    return new Promise((resolve, reject) => {
      this.#leaving.push({ ticket: this.#taken, resolve, reject })
    })
  }

  tryReceive(): Uint8Array | undefined {
    return this.receiveNow(false)
  }

  receive(options?: WaitOptions): Promise<Uint8Array | undefined> {
    const signal = options?.signal
    if (signal?.aborted) return Promise.reject(abortedError('receive', this.url, signal.reason))
    if (this.#closedHere) return Promise.resolve(undefined)
    if (this.#receivers.size > 0 || this.#budget === 0) return this.#receivers.wait(undefined, signal)
    const message = this.#takeNow(true)
    if (message !== undefined) {
      this.#spend()
      this.#lookAhead()
      return Promise.resolve(message)
    }
    if (!this.#inputEnded) return this.#receivers.wait(undefined, signal)
    const failure = this.#receiveFailure
    return failure === undefined ? Promise.resolve(undefined) : Promise.reject(failure)
  }

  readable(options?: WaitOptions): Promise<void> {
    const signal = options?.signal
    if (signal?.aborted) return Promise.reject(abortedError('readable', this.url, signal.reason))
    if (this.#inputEnded || this.#closedHere) return DONE
    if (this.#receivers.size > 0 || this.#budget === 0) return this.#watchers.wait(undefined, signal)
    this.#lookAhead()
    if (this.#ahead === undefined && !this.#inputEnded) return this.#watchers.wait(undefined, signal)
    this.#spend()
    return DONE
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: async () => {
        const value = await this.receive()
        return value === undefined ? { done: true, value } : { done: false, value }
      },
      return: async () => ({ done: true, value: undefined }),
    }
  }

  async close(options?: WaitOptions): Promise<void> {
    const signal = options?.signal
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#endedBy = 'local'
      this.#closedHere = true
      this.#sendFailure ??= this.#closedError('this end has closed the channel')
      this.#ahead = undefined
      this.#receivers.resolveAll(undefined)
      this.#watchers.resolveAll()
      this.#pull()
      this.#push()
    }
    if (signal === undefined) {
      await this.closed
      return
    }
    const abort = () => this.abort(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    const { error } = await this.closed
    signal.removeEventListener('abort', abort)
    if (signal.aborted && StraitError.is(error, 'ABORTED')) throw error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ signal: AbortSignal.timeout(LINGER) }).catch(() => {})
  }

  abort(reason?: unknown): void {
    if (this.#state === 'closed') return
    this.#endedBy ??= 'local'
    this.#closedHere = false
    this.#ahead = undefined
    this.#release(abortedError('channel', this.url, reason))
  }

  ref(): this {
    if (this.#state !== 'closed') this.link.ref()
    return this
  }

  unref(): this {
    if (this.#state !== 'closed') this.link.unref()
    return this
  }

  /**
   * Lets somebody who knows more, such as the parent that started the peer, complete a failure before anybody sees
   * it. Whoever waits goes on waiting until the promise resolves.
   */
  explainFailure(explain: (error: StraitError) => Promise<StraitError>): void {
    this.#explain = explain
  }

  // Incoming

  get #receiveFailure(): StraitError | undefined {
    return this.#closedHere ? undefined : this.#failure
  }

  /** The next message for somebody who asks now. */
  #take(): Uint8Array | undefined {
    const message = this.#ahead
    if (message === undefined) return this.#inputEnded ? undefined : this.link.read()
    this.#ahead = undefined
    return message
  }

  /** As {@link #take}; also what has come since the link last told of something. */
  #takeNow(patiently: boolean): Uint8Array | undefined {
    const { link } = this
    if (link.look === undefined || this.#ahead !== undefined) return this.#take()
    return this.#inputEnded ? undefined : link.look(patiently)
  }

  #lookAhead(): void {
    if (!this.#inputEnded) this.#ahead ??= this.link.read()
  }

  /** Serves those who wait; looks one message ahead when nobody does; discards while this end is closing. */
  #pull(): void {
    while (this.#budget > 0 || this.#inputEnded) {
      const discarding = this.#closedHere && !this.#inputEnded
      if (this.#receivers.size === 0 && !discarding) {
        this.#lookAhead()
        if (this.#ahead !== undefined || this.#inputEnded) this.#watchers.resolveAll()
        return
      }
      const message = this.#take()
      if (message === undefined) {
        if (this.#inputEnded) this.#releaseReceivers()
        return
      }
      this.#receivers.shift()?.resolve(message)
      this.#spend()
    }
  }

  #releaseReceivers(): void {
    this.#watchers.resolveAll()
    const failure = this.#receiveFailure
    if (failure === undefined) this.#receivers.resolveAll(undefined)
    else this.#receivers.rejectAll(failure)
  }

  /** Counts a message handed over without waiting; after enough of them the event loop gets its turn. */
  #spend(): void {
    if (--this.#budget !== 0) return
    afterTurn(() => {
      this.#budget = MESSAGES_PER_TURN
      this.#pull()
      this.#push()
    })
  }

  // Outgoing

  #refuseSend(message: Uint8Array, signal?: AbortSignal): Error | undefined {
    if (!(message instanceof Uint8Array)) return new TypeError('a message must be a Uint8Array')
    if (signal?.aborted) return abortedError('send', this.url, signal.reason)
    if (this.#sendFailure !== undefined) return this.#sendFailure
    const limit = this.link.maxMessageSize
    if (message.length <= limit) return undefined
    return new StraitError('TOO_LARGE', `the message has ${message.length} bytes, the limit is ${limit}`, {
      operation: 'send',
      url: this.url,
    })
  }

  /** A message of `send` is lent: its promise tells the caller when it is his again. */
  #write(message: Uint8Array, lent: boolean): boolean {
    if (!this.link.write(message, lent)) return false
    this.#taken++
    return true
  }

  /** Settles the sends that have left, hands over those that wait and, when closing, says the end behind them. */
  #push(): void {
    if (this.#state === 'closed') return
    const left = this.#taken - this.link.pending
    while (this.#leaving.length > 0 && this.#leaving[0]!.ticket <= left) this.#leaving.shift()!.resolve()
    for (let sender = this.#senders.first(); sender !== undefined; sender = this.#senders.first()) {
      if (!this.#write(sender.data, true)) return
      const { resolve, reject } = this.#senders.shift()!
      if (this.link.pending === 0) resolve()
      else this.#leaving.push({ ticket: this.#taken, resolve, reject })
    }
    if (this.#state === 'closing' && !this.#shuttingDown) {
      this.#shuttingDown = true
      void this.link.shutdown().then(() => {
        this.#outputEnded = true
        this.#push()
        this.#finish()
      })
    }
  }

  #failSends(error: StraitError): void {
    this.#senders.rejectAll(error)
    for (const send of this.#leaving.splice(0)) send.reject(error)
  }

  #closedError(reason: string): StraitError {
    return new StraitError('CLOSED', reason, { operation: 'send', url: this.url })
  }

  // The end

  /** Lets a failure be explained before it acts; both ways of failing share one explanation. */
  #explained(error: StraitError | undefined, act: (error: StraitError | undefined) => void): void {
    if (error === undefined || this.#explain === undefined) {
      act(error)
      return
    }
    this.#explanation ??= this.#explain(error)
    const plainly = () => act(error)
    this.#unexplained.push(plainly)
    void this.#explanation.then((explained) => {
      const index = this.#unexplained.indexOf(plainly)
      if (index < 0) return
      this.#unexplained.splice(index, 1)
      act(explained)
    })
  }

  // Blocking

  /** The message that is there, or comes while the link looks. */
  protected receiveNow(patiently: boolean): Uint8Array | undefined {
    if (this.#receivers.size > 0 || this.#closedHere) return undefined
    const message = this.#takeNow(patiently)
    if (message !== undefined) this.#lookAhead()
    else if (this.#inputEnded && this.#receiveFailure !== undefined) throw this.#receiveFailure
    return message
  }

  /** How many receives wait. */
  protected get receiversWaiting(): number {
    return this.#receivers.size
  }

  /** Nothing more comes: what `receive` would resolve with undefined for, or reject. */
  protected get inputOver(): boolean {
    return this.#inputEnded || this.#closedHere
  }

  /** The error with which sends fail, if they do. */
  protected get sendFailure(): StraitError | undefined {
    return this.#sendFailure
  }

  /**
   * Blocks the thread until something has happened at the link, or for `ms`. Whatever needs a turn of the event loop
   * otherwise must not be waited for: an explanation is done without, and the turn's budget begins anew.
   */
  protected block(reading: boolean, ms: number): void {
    for (const act of this.#unexplained.splice(0)) act()
    this.#budget = MESSAGES_PER_TURN
    this.#pull()
    this.#push()
    // What has just come, or is left for the next round, is not to be waited for.
    const more = this.#budget === 0 || (reading && (this.#ahead !== undefined || this.#inputEnded))
    if (!more && this.#state !== 'closed') this.link.wait!(reading, ms)
    for (const act of this.#unexplained.splice(0)) act()
  }

  /** The outgoing side is broken; what has arrived is still handed out. */
  #onFail(error: StraitError): void {
    if (this.#state === 'closed') return
    this.#failure ??= error
    if (!this.#closedHere) this.#sendFailure = this.#failure
    this.#failSends(this.#failure)
    this.#push()
  }

  /** The incoming side is finished: a clean end is answered, anything else ends the channel. */
  #onEnd(error: StraitError | undefined): void {
    if (this.#state === 'closed') return
    this.#inputEnded = true
    this.#endedBy ??= 'peer'
    if (error !== undefined) {
      this.#release(error)
      return
    }
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#sendFailure ??= this.#closedError('the peer has closed the channel')
      this.#senders.rejectAll(this.#sendFailure)
      // Only sends suffered from an earlier failure: the peer has said everything, and its end.
      this.#failure = undefined
      this.#pull()
      this.#push()
    }
    this.#finish()
  }

  /** Releases once both sides have said their end. */
  #finish(): void {
    if (this.#inputEnded && this.#outputEnded) this.#release()
  }

  #release(error?: StraitError): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#inputEnded = true
    this.link.events = NO_EVENTS
    this.link.destroy()
    this.#failure ??= error
    const failure = this.#failure
    if (failure !== undefined && !this.#closedHere) this.#sendFailure = failure
    this.#failSends(failure ?? this.#sendFailure!)
    this.#pull()
    const info: CloseInfo = { by: this.#endedBy!, ...(failure === undefined ? {} : { error: failure }) }
    this.#resolveClosed(info)
    observer.channelClosed?.(this, info)
  }
}
