import { randomBytes } from 'node:crypto'
import { type Kind, NO_PORT_EVENTS, type Port, type PortEvents, StraitError } from '@strait/core'
import type { Router, SocketOptions } from 'zeromq'
import { Reading } from './reading.js'
import { GONE, LINGER, ListeningSocket, NUDGE, Signal } from './sockets.js'
import { unbind } from './unbind.js'
import { deliver, toFrame } from './units.js'

/**
 * ZeroMQ puts this frame behind the last one of a peer that is gone. It is never on the wire, so no peer can say it of
 * itself and be taken for a new one afterwards.
 */
const DISCONNECTED = Buffer.concat([GONE, randomBytes(16)])

/** A routing id that nobody has. */
const NOBODY = Buffer.alloc(0)

/**
 * Hubs whose listener is closed, by endpoint. When ZeroMQ unbinds it ends the connections that came that way too; so a
 * name stays bound as long as an accepted channel lives, and the next listener of this process takes the hub over.
 */
const retired = new Map<string, Hub>()

/** The hub that still holds this endpoint though nobody listens there any more; undefined: bind anew. */
export async function takeOver(endpoint: string, options: object): Promise<Hub | undefined> {
  const hub = retired.get(endpoint)
  if (hub === undefined || hub.options !== JSON.stringify(options)) return undefined
  if (hub.revive()) return hub
  await hub.closed
  return undefined
}

/** The end that listens: a ROUTER, and what is known of its peers. It lives as long as its last channel. */
export class Hub {
  readonly socket: ListeningSocket
  /** What a listener must want as well to take this hub over. */
  readonly options: string
  /** Resolves when the name is free. */
  readonly closed: Promise<void>
  readonly #reading: Reading
  /** By routing id. Undefined: the channel has ended; the connection, which a ROUTER cannot end, has not yet. */
  readonly #peers = new Map<string, AcceptedPort | undefined>()
  #live = 0
  #admit: ((port: AcceptedPort) => void) | undefined
  #endpoint: string | undefined
  #passing = false
  #retired = false
  #closing = false
  #patience: NodeJS.Timeout | undefined
  #resolveClosed!: () => void

  constructor(options: SocketOptions<Router>) {
    this.options = JSON.stringify(options)
    // Mandatory: a send to a peer that is gone is an error, not silence.
    this.socket = new ListeningSocket(DISCONNECTED, { ...options, mandatory: true })
    this.#reading = new Reading(
      this.socket,
      (frames) => this.#onFrames(frames),
      () => this.socket.send([NOBODY, NUDGE]),
    )
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.ref(this)
  }

  /**
   * Binds, and returns the endpoint as ZeroMQ names it. A passing one means nothing to the next listener: the name that
   * users know is another one, and is given back without ZeroMQ.
   */
  bind(endpoint: string, passing: boolean): string {
    this.socket.bindSync(endpoint)
    this.#endpoint = this.socket.lastEndpoint!
    this.#passing = passing
    return this.#endpoint
  }

  /** Peers that come are given to `admit` from now on. */
  open(admit: (port: AcceptedPort) => void): void {
    this.#admit = admit
  }

  /** Nobody is admitted any more. Resolves when the name is free, or the hub can be taken over. */
  retire(): Promise<void> {
    this.#admit = undefined
    this.#retired = true
    if (this.#endpoint !== undefined && !this.#passing) retired.set(this.#endpoint, this)
    this.unref(this)
    this.#closeWhenDone()
    return this.#live > 0 ? Promise.resolve() : this.closed
  }

  /** Undoes `retire`, or returns false: too late. */
  revive(): boolean {
    if (this.#closing || this.#endpoint === undefined) return false
    clearTimeout(this.#patience)
    this.#patience = undefined
    this.#retired = false
    retired.delete(this.#endpoint)
    this.ref(this)
    return true
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
      if (port !== undefined) port.deliver(frames)
    } else if (first?.[0] !== Signal.NUDGE) {
      const port = new AcceptedPort(this, id!, key)
      this.#peers.set(key, port)
      this.#live++
      if (this.#admit === undefined) port.destroy()
      else {
        this.ref(port)
        this.#admit(port)
        port.deliver(frames)
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
    if (!this.#retired || this.#live > 0 || this.#closing) return
    if (this.#peers.size === 0) this.#close()
    // Peers hang up when they are told that this end is gone; those that do not are not waited for.
    else this.#patience ??= setTimeout(() => this.#close(), LINGER)
  }

  #close(): void {
    clearTimeout(this.#patience)
    this.#closing = true
    const endpoint = this.#endpoint
    const unbound = endpoint === undefined ? Promise.resolve() : unbind(this.socket, endpoint)
    this.socket.close()
    const done = () => {
      if (endpoint !== undefined && retired.get(endpoint) === this) retired.delete(endpoint)
      this.#resolveClosed()
    }
    // Without a socket left to wait with, the name is free a moment later.
    unbound.then(done, done)
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
  #url: URL | undefined
  #destroyed = false

  constructor(hub: Hub, id: Buffer, key: string) {
    this.key = key
    this.#hub = hub
    this.#id = id
  }

  /** Which listener admitted it. */
  admittedAt(url: URL): void {
    this.#url = url
  }

  deliver(frames: readonly Buffer[]): void {
    deliver(frames, this.events, this.#url!)
  }

  post(kind: Kind, payload: Uint8Array): boolean {
    if (!this.#destroyed) this.#send(toFrame(kind, payload))
    return true
  }

  #send(frame: Uint8Array): void {
    this.#hub.socket.send([this.#id, frame]).catch((cause: unknown) => {
      const context = { operation: 'send', url: this.#url!, cause }
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
