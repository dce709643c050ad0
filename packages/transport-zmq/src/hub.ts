import { randomBytes } from 'node:crypto'
import { type Kind, NO_PORT_EVENTS, type Port, type PortEvents, StraitError } from '@strait/core'
import type { Router, SocketOptions } from 'zeromq'
import { Reading } from './reading.js'
import { GONE, LINGER, ListeningSocket, NUDGE, Signal } from './sockets.js'
import { deliver, toFrame } from './units.js'

/**
 * ZeroMQ puts this frame behind the last one of a peer that is gone. It is never on the wire, so no peer can say it of
 * itself and be taken for a new one afterwards.
 */
const DISCONNECTED = Buffer.concat([GONE, randomBytes(16)])

/** A routing id that nobody has. */
const NOBODY = Buffer.alloc(0)

/** The end that listens: a ROUTER, and what is known of its peers. It lives as long as its last channel. */
export class Hub {
  readonly socket: ListeningSocket
  readonly #url: URL
  readonly #reading: Reading
  /** By routing id. Undefined: the channel has ended; the connection, which a ROUTER cannot end, has not yet. */
  readonly #peers = new Map<string, AcceptedPort | undefined>()
  #live = 0
  #admit: ((port: AcceptedPort) => void) | undefined
  #retired = false

  constructor(url: URL, options: SocketOptions<Router>) {
    this.#url = url
    // Mandatory: a send to a peer that is gone is an error, not silence.
    this.socket = new ListeningSocket(DISCONNECTED, { ...options, mandatory: true })
    this.#reading = new Reading(
      this.socket,
      (frames) => this.#onFrames(frames),
      () => this.socket.send([NOBODY, NUDGE]),
    )
    this.ref(this)
  }

  /** Peers that come are given to `admit` from now on. */
  open(admit: (port: AcceptedPort) => void): void {
    this.#admit = admit
  }

  /** Nobody is admitted any more; the socket closes when the last channel has ended. */
  retire(): void {
    this.#admit = undefined
    this.#retired = true
    this.unref(this)
    this.#closeWhenDone()
  }

  #onFrames([id, ...frames]: Buffer[]): void {
    const key = id!.toString('latin1')
    const first = frames[0]
    if (first?.[0] === Signal.GONE && first.equals(DISCONNECTED)) {
      const port = this.#peers.get(key)
      this.#peers.delete(key)
      port?.events.end()
      this.#closeWhenDone()
    } else if (this.#peers.has(key)) {
      const port = this.#peers.get(key)
      if (port !== undefined) deliver(frames, port.events, this.#url)
    } else if (first?.[0] !== Signal.NUDGE) {
      const port = new AcceptedPort(this, id!, key, this.#url)
      this.#peers.set(key, port)
      this.#live++
      if (this.#admit === undefined) port.destroy()
      else {
        this.ref(port)
        this.#admit(port)
        deliver(frames, port.events, this.#url)
      }
    }
  }

  /** The channel of this peer has ended: what still comes from it is dropped until its connection has ended too. */
  forget(port: AcceptedPort): void {
    if (this.#peers.has(port.key)) this.#peers.set(port.key, undefined)
    this.#live--
    this.unref(port)
    this.#closeWhenDone()
  }

  #closeWhenDone(): void {
    if (!this.#retired || this.#live > 0 || this.socket.closed) return
    if (this.#peers.size === 0) this.socket.close()
    // Peers hang up when they are told that this end is gone; those that do not are not waited for.
    else setTimeout(() => this.socket.close(), LINGER)
  }

  ref(holder: object): void {
    this.#reading.ref(holder)
  }

  unref(holder: object): void {
    this.#reading.unref(holder)
  }
}

/** One peer of a ROUTER. */
export class AcceptedPort implements Port {
  events: PortEvents = NO_PORT_EVENTS
  readonly key: string
  readonly #hub: Hub
  readonly #id: Buffer
  readonly #url: URL
  #destroyed = false

  constructor(hub: Hub, id: Buffer, key: string, url: URL) {
    this.key = key
    this.#hub = hub
    this.#id = id
    this.#url = url
  }

  post(kind: Kind, payload: Uint8Array): boolean {
    if (!this.#destroyed) this.#send(toFrame(kind, payload))
    return true
  }

  #send(frame: Uint8Array): void {
    this.#hub.socket.send([this.#id, frame]).catch((cause: unknown) => {
      const context = { operation: 'send', url: this.#url, cause }
      this.events.fail(new StraitError('RESET', 'the peer went away without closing', context))
    })
  }

  /** Hangs up in the only way that a ROUTER has: it says so. */
  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#send(GONE)
    this.#hub.forget(this)
  }

  ref(): void {
    if (!this.#destroyed) this.#hub.ref(this)
  }

  unref(): void {
    this.#hub.unref(this)
  }
}
