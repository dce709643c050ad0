import { Kind, NO_PORT_EVENTS, type Port, type PortEvents, StraitError } from '@strait/core'
import { parseUnit, unitText } from './unit.js'

/**
 * A WebSocket as a `Port`, Node's or a page's own: a message is a binary message, any other unit a text message. What
 * the two worlds do differently is in the subclasses.
 */
export abstract class WebSocketPort implements Port {
  events: PortEvents = NO_PORT_EVENTS
  readonly url: URL
  #gone = false
  /** Our END has left. */
  #saidEnd = false
  #heardEnd = false

  constructor(url: URL) {
    this.url = url
  }

  /** As `Port.post`; text is always lent. */
  protected abstract transmit(data: Uint8Array | string, lent: boolean, left: () => void): boolean

  /** Ends the WebSocket: with its closing handshake, or at once. Nothing that was given to it before gets lost. */
  protected abstract hangUp(cleanly: boolean): void

  abstract ref(): void
  abstract unref(): void

  post(kind: Kind, payload: Uint8Array, lent: boolean, left: () => void): boolean {
    if (kind === Kind.DATA) return this.transmit(payload, lent, left)
    const text = unitText(kind, payload)
    if (kind !== Kind.END) return this.transmit(text, true, left)
    this.#saidEnd = this.transmit(text, true, () => {
      this.#saidEnd = true
      left()
    })
    return this.#saidEnd
  }

  /** A binary message has arrived. Its bytes are the receiver's. */
  protected binary(payload: Uint8Array): void {
    if (!this.#gone) this.events.unit(Kind.DATA, payload)
  }

  /** A text message has arrived. */
  protected text(text: string): void {
    if (this.#gone) return
    const { kind, payload } = parseUnit(text)
    this.#heardEnd ||= kind === Kind.END
    this.events.unit(kind, payload)
  }

  /** Nothing comes any more, and nothing leaves. After both ENDs nobody needs to know. */
  protected gone(error?: StraitError): void {
    if (this.#gone) return
    this.#gone = true
    if (this.#saidEnd && this.#heardEnd) return
    const context = { operation: 'receive', url: this.url }
    const failure = error ?? new StraitError('RESET', 'the peer went away without closing', context)
    this.events.fail(failure)
    this.events.end(failure)
  }

  destroy(): void {
    this.#gone = true
    this.hangUp(this.#saidEnd && this.#heardEnd)
  }
}
