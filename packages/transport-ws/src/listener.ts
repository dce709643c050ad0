import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  type BaseChannel,
  BaseListener,
  DEFAULT_HANDSHAKE_TIMEOUT,
  observer,
  StraitError,
} from '@strait/core'
import { systemError } from '@strait/core/node'
import { type WebSocket, WebSocketServer } from 'ws'
import type { WsListenOptions } from './listen.js'
import { greet, settings } from './socket-port.js'
import { type Server, takeUpgrades, turnAway } from './upgrades.js'

/** Somebody who is not a channel yet. */
interface Guest {
  socket: Socket
  /** Runs until he has asked for the upgrade. */
  readonly timer: NodeJS.Timeout | undefined
  /** He had to make room, and that has been said. */
  displaced: boolean
}

/** The two sides of a TLS connection, the raw and the secure one, have this name. */
const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`

/**
 * Greets whoever asks for an upgrade at a path of a server, and offers the channels. Never more than `backlog` greet
 * or wait at once: a newcomer then takes the place of whoever has been greeting for longest.
 */
export class WebSocketListener extends BaseListener<BaseChannel> {
  readonly #guests = new Map<string, Guest>()
  readonly #options: WsListenOptions
  readonly #upgrader: WebSocketServer

  /**
   * `own`: the server serves nothing else, so whoever connects counts, and it ends with the listener.
   *
   * - Errors: `ADDRESS_IN_USE` somebody has the path.
   */
  constructor(server: Server, own: boolean, url: URL, { signal: _, ...options }: WsListenOptions) {
    super(url, {
      close: async () => {
        release?.()
        if (own) server.close()
        for (const { socket } of this.#guests.values()) socket.destroy()
      },
      ref: () => server.ref(),
      unref: () => server.unref(),
    })
    this.#options = options
    this.#upgrader = new WebSocketServer({
      ...settings(options),
      noServer: true,
      clientTracking: false,
      handleProtocols: () => false,
    })
    this.#upgrader.on('wsClientError', (error, socket) => {
      turnAway(socket as Socket, 400)
      this.#refuse('CORRUPT', error.message)
    })
    const release = takeUpgrades(server, url.pathname, (request, socket, head) =>
      this.#onUpgrade(request, socket, head),
    )
    if (release === undefined) {
      const reason = 'somebody listens at this path already'
      throw new StraitError('ADDRESS_IN_USE', reason, { operation: 'listen', url })
    }
    if (own) this.#watch(server)
  }

  #watch(server: Server): void {
    const { handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = this.#options
    server.on('connection', (socket: Socket) => {
      const timer = setTimeout(() => {
        socket.destroy()
        this.#refuse('TIMEOUT', `no request came within ${handshakeTimeout} ms`)
      }, handshakeTimeout)
      this.#admit(socket, timer.unref())
    })
    server.on('clientError', (error, socket) => {
      turnAway(socket as Socket, 400)
      this.#refuse('CORRUPT', error.message)
    })
    server.on('tlsClientError', (error) => this.#report(systemError(error, 'listen', this.url)))
    server.on('error', (error) => this.#report(systemError(error, 'listen', this.url)))
  }

  #admit(socket: Socket, timer?: NodeJS.Timeout): Guest {
    const { backlog = 1024 } = this.#options
    const name = nameOf(socket)
    const guest: Guest = { socket, timer, displaced: false }
    this.#guests.set(name, guest)
    socket.once('close', () => this.#dismiss(name, guest))
    if (this.#guests.size + this.waiting <= backlog) return guest
    const [[oldest, displaced] = [name, guest]] = this.#guests
    this.#dismiss(oldest, displaced)
    displaced.displaced = true
    displaced.socket.on('error', () => {})
    displaced.socket.destroy()
    this.#refuse('NO_RESOURCES', `the backlog of ${backlog} is full`)
    return guest
  }

  #dismiss(name: string, guest: Guest): void {
    clearTimeout(guest.timer)
    if (this.#guests.get(name) === guest) this.#guests.delete(name)
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { origin } = request.headers
    if (origin !== undefined && !this.#trusts(origin, request.headers.host)) {
      turnAway(socket, 403)
      this.#refuse('PERMISSION', `a page of ${origin} is not allowed to connect`)
      return
    }
    const name = nameOf(socket)
    const guest = this.#guests.get(name) ?? this.#admit(socket)
    if (guest.displaced) return
    clearTimeout(guest.timer)
    guest.socket = socket
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => this.#greet(webSocket, guest, name))
  }

  /** A browser says which page's script it is that connects; whoever is no browser says nothing, or what he likes. */
  #trusts(origin: string, host: string | undefined): boolean {
    const { origins } = this.#options
    if (origins === 'any') return true
    if (origins !== undefined) return origins.includes(origin)
    return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
  }

  #greet(webSocket: WebSocket, guest: Guest, name: string): void {
    greet(webSocket, guest.socket, 'listen', this.url, this.#options).then(
      (channel) => {
        this.#dismiss(name, guest)
        this.offer(channel)
      },
      (error: StraitError) => {
        this.#dismiss(name, guest)
        if (!guest.displaced) this.#report(error)
      },
    )
  }

  #refuse(code: 'CORRUPT' | 'TIMEOUT' | 'PERMISSION' | 'NO_RESOURCES', reason: string): void {
    this.#report(new StraitError(code, reason, { operation: 'listen', url: this.url }))
  }

  #report(error: StraitError): void {
    observer.peerRefused?.(this.url, error)
  }
}
