import { type ByteLink, type LinkEvents, NO_EVENTS, type PeerInfo, StraitError } from '@strait/core'
import { isAgain, kernelError, native } from '@strait/posix'
import type { SocketPackets } from '@strait/rendezvous'
import { type Address, decodeAddress, encodeAddress } from './address.js'
import { Hub, type Receiver } from './hub.js'
import { Inbox } from './inbox.js'
import { Outbox, words } from './outbox.js'
import { Patience } from './patience.js'
import { WORD } from './word.js'

const system = native('load')

const EPIPE = -32

/**
 * Queued real-time signals as a `ByteLink`: directed at the thread at the other end, read by the hub of this one. The
 * control socket stays: who has hung up there gets no signal any more, which might hit another process, and its hang-up
 * is the news of the other end's death. It owns the socket.
 */
export class SignalBytes implements ByteLink, Receiver {
  events: LinkEvents = NO_EVENTS
  readonly pid: number
  readonly #control: SocketPackets
  readonly #url: URL
  readonly #hub: Hub
  readonly #number: number
  #there: Address | undefined
  readonly #inbox = new Inbox()
  readonly #outbox = new Outbox()
  readonly #patience = new Patience(() => this.#flush())
  /** Nothing more comes. */
  #over: { cause: StraitError | undefined } | undefined
  #ended = false
  #broken = false
  /** Found out inside of `write` or `read`, where nobody may be told. */
  #news: (() => void) | undefined
  #destroyed = false

  /** - Errors: `NO_RESOURCES`, `NOT_SUPPORTED`. Then the socket stays the caller's. */
  constructor(control: SocketPackets, { pid }: PeerInfo, url: URL) {
    if (pid === undefined || pid < 1) {
      const reason = 'the other end is in another PID namespace, where signals do not reach'
      throw new StraitError('NOT_SUPPORTED', reason, { operation: 'open', url })
    }
    this.pid = pid
    this.#control = control
    this.#url = url
    const { hub, number } = Hub.join(this, url)
    this.#hub = hub
    this.#number = number
  }

  /** To be told to the other end. What it sends is taken from now on. */
  get address(): Uint8Array {
    return encodeAddress({ tid: system.threadId(), number: this.#number, signal: this.#hub.signal })
  }

  /**
   * Learns where the other end receives.
   *
   * - Errors: `CORRUPT` nowhere in that process; `PERMISSION` this user may not signal that one.
   */
  open(address: Uint8Array, operation: string): void {
    const there = decodeAddress(address, operation, this.#url)
    const probed = system.signalSend(this.pid, there.tid, 0, words, 0, WORD, -1)
    if (probed < 0) {
      throw kernelError(probed, operation, this.#url.href, {
        ESRCH: ['CORRUPT', 'the other end told a thread that it does not have'],
        EPERM: ['PERMISSION', "this user may not signal the other end's; both must be one user"],
      })
    }
    this.#there = there
    this.#control.expectEmpty()
    this.#control.events = {
      ...NO_EVENTS,
      readable: () => this.#onControl(),
      end: (cause) => this.#onHangUp(cause),
    }
    // What came before anybody listened; whoever makes these bytes has not taken them over yet.
    process.nextTick(() => this.#onControl())
  }

  // What happens

  take(received: Uint8Array, at: number): void {
    if (this.#over !== undefined) return
    const wrong = this.#inbox.take(received, at)
    if (wrong !== undefined) this.#giveUp(wrong)
  }

  arrived(): void {
    if (this.#destroyed) return
    if (!this.#outbox.grant(this.#inbox.takeCredits())) this.#giveUp('allowed more than a window')
    // Before anybody reads the end that follows from it, which alone would be a mere hang-up.
    this.#tell()
    this.#flush()
    if (!this.#inbox.isEmpty || this.#over !== undefined) this.events.readable()
  }

  /** Nothing is said here after the greeting. */
  #onControl(): void {
    if (this.#destroyed || this.#control.read() === undefined) return
    this.#hub.readAll(this)
    this.#giveUp(`sent a packet of kind ${this.#control.kind} beside the signals`)
    this.#tell()
    this.events.readable()
  }

  /** The other end is gone. What it has sent before is there already. */
  #onHangUp(cause: StraitError | undefined): void {
    if (this.#destroyed) return
    this.#hub.readAll(this)
    if (this.#destroyed) return
    this.#over ??= { cause }
    if (StraitError.is(cause, 'CORRUPT')) this.#break(cause)
    else if (this.#outbox.isLoaded) this.#lose(EPIPE)
    this.#tell()
    this.events.readable()
  }

  /** What has come is still handed out; nothing else comes, and nothing goes. */
  #giveUp(what: string): void {
    const cause = new StraitError('CORRUPT', `the peer ${what}`, { operation: 'receive', url: this.#url })
    this.#over ??= { cause }
    this.#break(cause)
  }

  // Incoming

  read(): Uint8Array | undefined {
    if (this.#ended || this.#destroyed) return undefined
    const bytes = this.#inbox.read()
    if (bytes === undefined) {
      if (this.#over === undefined) return undefined
      this.#ended = true
      this.events.end(this.#over.cause)
      return undefined
    }
    const due = this.#inbox.takeDue()
    if (due > 0 && this.#over === undefined) {
      this.#outbox.owe(due)
      const { isLoaded } = this.#outbox
      this.#send()
      if (isLoaded && !this.#outbox.isLoaded) this.#tellSoon(() => this.events.writable())
    }
    return bytes
  }

  // Outgoing

  write(bytes: Uint8Array, more?: Uint8Array): boolean {
    if (this.#destroyed || this.#broken) return false
    this.#outbox.load(bytes, more)
    this.#send()
    return !this.#broken && !this.#outbox.isLoaded
  }

  /** Sends what may go, and says so when everything has. */
  #flush(): void {
    if (this.#destroyed || this.#broken) return
    const { isLoaded } = this.#outbox
    this.#send()
    if (isLoaded && !this.#broken && !this.#outbox.isLoaded) this.events.writable()
  }

  #send(): void {
    if (this.#there === undefined) return
    const { tid, number, signal } = this.#there
    this.#patience.stop()
    const count = this.#outbox.pack(number)
    if (count === 0) return
    const sent = system.signalSend(this.pid, tid, signal, words, 0, count * WORD, this.#control.descriptor)
    if (sent < 0 && !isAgain(sent)) {
      // A peer that has closed wants no credits.
      if (this.#outbox.isLoaded) this.#lose(sent)
      return
    }
    this.#outbox.went(Math.max(sent, 0))
    if (sent > 0) this.#patience.renew()
    // As many are pending as may be for this user. Nobody tells when there is room again.
    if (sent < count) this.#patience.later()
  }

  #lose(result: number): void {
    const error = kernelError(result, 'send', this.#url.href, {
      EPIPE: ['RESET', 'the peer is gone'],
      ESRCH: ['RESET', 'the peer is gone'],
    })
    this.#break(error)
  }

  #break(error: StraitError): void {
    if (this.#broken) return
    this.#broken = true
    this.#patience.stop()
    this.#outbox.clear()
    this.#tellSoon(() => this.events.fail(error))
  }

  #tellSoon(news: () => void): void {
    this.#news = news
    process.nextTick(() => this.#tell())
  }

  #tell(): boolean {
    const news = this.#news
    this.#news = undefined
    if (this.#destroyed) return false
    news?.()
    return news !== undefined
  }

  // Both

  wait(_reading: boolean, _writing: boolean, ms: number): void {
    // A blocked thread has no turns of the event loop.
    if (this.#destroyed || this.#tell()) return
    const patience = Math.min(ms, this.#patience.left)
    const { POLLIN } = system
    const ready = system.pollNow(this.#hub.descriptor, POLLIN, this.#control.descriptor, POLLIN, patience)
    if (ready < 0) return
    if ((ready & 0xffff) !== 0) this.#hub.readFor(this)
    if (ready >>> 16 !== 0) this.#control.wait(true, false, 0)
    if (this.#patience.isOn) this.#flush()
  }

  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#patience.stop()
    this.#hub.leave(this.#number)
    this.#control.destroy()
  }

  ref(): void {
    this.#control.ref()
  }

  unref(): void {
    this.#control.unref()
  }
}
