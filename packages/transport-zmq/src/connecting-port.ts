import { Kind, NO_PORT_EVENTS, type Port, type PortEvents } from '@strait/core'
import { systemError } from '@strait/core/node'
import { Reading } from './reading.js'
import { type ConnectingSocket, LINGER, NUDGE } from './sockets.js'
import { deliver, toFrame } from './units.js'

/** The end that connects: a DEALER of its own for each channel. */
export class ConnectingPort implements Port {
  events: PortEvents = NO_PORT_EVENTS
  readonly #socket: ConnectingSocket
  readonly #url: URL
  readonly #reading: Reading
  #saidEnd = false
  #heardEnd = false
  #ended = false
  #destroyed = false

  constructor(socket: ConnectingSocket, url: URL) {
    this.#socket = socket
    this.#url = url
    this.#reading = new Reading(
      socket,
      (frames) => deliver(frames, this.#incoming, url),
      () => socket.send(NUDGE),
    )
    this.ref()
  }

  readonly #incoming: PortEvents = {
    unit: (kind, payload) => {
      if (kind === Kind.END) this.#heardEnd = true
      this.events.unit(kind, payload)
    },
    end: (error) => {
      if (this.#ended) return
      this.#ended = true
      if (this.#destroyed) this.#socket.close()
      else this.events.end(error)
    },
    fail: () => {},
  }

  post(kind: Kind, payload: Uint8Array): boolean {
    if (kind === Kind.END) this.#saidEnd = true
    if (!this.#destroyed) {
      this.#socket.send(toFrame(kind, payload)).catch((error: unknown) => {
        this.events.fail(systemError(error, 'send', this.#url))
      })
    }
    return true
  }

  /**
   * Hangs up. At the clean end the listening side does so first: when ZeroMQ closes a connection with something left to
   * write, it may forget the rest of what it has begun.
   */
  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    if (!this.#saidEnd || !this.#heardEnd || this.#ended) this.#socket.close()
    else setTimeout(() => this.#socket.close(), LINGER).unref()
  }

  ref(): void {
    this.#reading.ref(this)
  }

  unref(): void {
    this.#reading.unref(this)
  }
}
