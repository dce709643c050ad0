import type { Server, Socket } from 'node:net'
import { BaseChannel } from '../base-channel.js'
import { BaseListener } from '../base-listener.js'
import type { Capabilities, ChannelOptions, ListenOptions, PeerInfo } from '../channel.js'
import { observer } from '../diagnostics.js'
import { abortedError, StraitError } from '../error.js'
import { framed } from '../framed.js'
import { DEFAULT_HANDSHAKE_TIMEOUT, type Role } from '../handshake.js'
import { type ByteLink, type LinkEvents, NO_EVENTS } from '../link.js'
import { systemError } from './system-error.js'

/** Unread bytes at which reading pauses; the kernel holds the rest. */
const READ_AHEAD = 64 * 1024

/** What a chunk costs beside its bytes, for a peer that sends one byte at a time. */
const CHUNK_OVERHEAD = 256

/**
 * A Node socket as a `ByteLink`, without Node's stream buffers.
 *
 * `net.Socket` destroys both directions when a write fails, and what had arrived is lost with it. So the socket's
 * implementer hooks are used in its place: `push` hands each chunk to us, `_read` resumes, and `_write` reports a
 * failure to us alone. docs/adr/0002-read-path.md has the measurements.
 */
export class SocketBytes implements ByteLink {
  events: LinkEvents = NO_EVENTS
  readonly #socket: Socket
  readonly #url: URL
  readonly #chunks: Uint8Array[] = []
  #unread = 0
  #paused = false
  #pushing = false
  #ended = false
  #writing = false
  #written = false
  #readError: Error | undefined

  constructor(socket: Socket, url: URL) {
    this.#socket = socket
    this.#url = url
    const early: Uint8Array | null = socket.read()
    socket.push = (chunk: Uint8Array | null) => this.#onChunk(chunk)
    socket.on('error', (error) => {
      this.#readError = error
    })
    socket.on('close', () => this.#end())
    if (early !== null) this.#onChunk(early)
    socket._read(0)
  }

  #onChunk(chunk: Uint8Array | null): boolean {
    if (chunk === null) {
      this.#end()
      return false
    }
    this.#chunks.push(chunk)
    this.#unread += chunk.length + CHUNK_OVERHEAD
    this.#paused = this.#unread >= READ_AHEAD
    this.#pushing = true
    this.events.readable()
    this.#pushing = false
    return !this.#paused
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    const error = this.#readError
    this.events.end(error === undefined ? undefined : systemError(error, 'receive', this.#url))
  }

  read(): Uint8Array | undefined {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return undefined
    this.#unread -= chunk.length + CHUNK_OVERHEAD
    if (this.#paused && this.#unread < READ_AHEAD) {
      this.#paused = false
      // Inside `push` its return value says it.
      if (!this.#pushing && !this.#ended) this.#socket._read(0)
    }
    return chunk
  }

  write(bytes: Uint8Array, more?: Uint8Array): boolean {
    this.#writing = true
    this.#written = false
    const encoding = 'buffer' as BufferEncoding
    if (more === undefined) this.#socket._write(bytes, encoding, this.#onWritten)
    else
      this.#socket._writev!(
        [bytes, more].map((chunk) => ({ chunk, encoding })),
        this.#onWritten,
      )
    this.#writing = false
    return this.#written
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error) {
      const failure = systemError(error, 'send', this.#url)
      process.nextTick(() => this.events.fail(failure))
    } else if (this.#writing) {
      this.#written = true
    } else {
      this.events.writable()
    }
  }

  destroy(): void {
    this.#ended = true
    this.#socket.destroy()
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }
}

/** What the two ends of a socket transport have in common. */
export interface SocketChannelOptions {
  url: URL
  capabilities: Capabilities
  /** Who is at the other end, where the kernel tells. Throws the reason for which this end does not talk to him. */
  peerOf?: ((socket: Socket) => PeerInfo | undefined) | undefined
}

/**
 * Waits until a socket is connected, greets, and makes a channel of it.
 *
 * - Errors: those of `Transport.connect`; the socket is then destroyed.
 */
export function connectSocket(
  socket: Socket,
  ready: 'connect' | 'secureConnect',
  channelOptions: SocketChannelOptions,
  options: ChannelOptions,
): Promise<BaseChannel> {
  const { url } = channelOptions
  const { signal, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = options
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer)
      socket.off(ready, onReady)
      socket.off('error', onError)
      signal?.removeEventListener('abort', onAbort)
    }
    const onReady = () => {
      settle()
      // In this very turn: nothing may happen to the socket before somebody listens.
      resolve(greetSocket(socket, 'connect', channelOptions, options))
    }
    const onError = (error: unknown) => {
      settle()
      socket.on('error', () => {})
      socket.destroy()
      reject(systemError(error, 'connect', url))
    }
    const onAbort = () => onError(abortedError('connect', url, signal?.reason))
    const timer = setTimeout(() => {
      const reason = `the other end did not answer within ${handshakeTimeout} ms`
      onError(new StraitError('TIMEOUT', reason, { operation: 'connect', url }))
    }, handshakeTimeout)
    socket.once(ready, onReady)
    socket.once('error', onError)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
  })
}

/**
 * Greets over a socket that is connected, and makes a channel of it.
 *
 * - Errors: those of the handshake, and of `peerOf`; the socket is then destroyed.
 */
export async function greetSocket(
  socket: Socket,
  role: Role,
  { url, capabilities, peerOf }: SocketChannelOptions,
  options: ChannelOptions,
): Promise<BaseChannel> {
  const bytes = new SocketBytes(socket, url)
  let peer: PeerInfo | undefined
  try {
    peer = peerOf?.(socket)
  } catch (error) {
    bytes.destroy()
    throw error
  }
  return new BaseChannel(await framed(bytes, role, url, options), { url, capabilities, peer })
}

/** Starts a server and resolves once it listens. */
export function startServer(server: Server, address: object, url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: unknown) => reject(systemError(error, 'listen', url))
    server.once('error', onError)
    server.listen(address, () => {
      server.off('error', onError)
      resolve()
    })
  })
}

/** Both sides of a TLS server's connection, the raw and the secure one, have this name. */
const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`

/**
 * Greets whoever connects to a server that listens, and offers the channels. Never more than `backlog` greet or wait
 * at once: a newcomer then takes the place of whoever has been greeting for longest.
 */
export class SocketListener extends BaseListener<BaseChannel> {
  readonly #greeting = new Set<Socket>()
  readonly #channelOptions: SocketChannelOptions
  readonly #options: ListenOptions

  constructor(
    server: Server,
    kind: 'plain' | 'tls',
    channelOptions: SocketChannelOptions,
    { signal: _, ...options }: ListenOptions,
    release: () => void = () => {},
  ) {
    super(channelOptions.url, {
      close: async () => {
        release()
        server.close()
        for (const socket of this.#greeting) socket.destroy()
      },
      ref: () => server.ref(),
      unref: () => server.unref(),
    })
    this.#channelOptions = channelOptions
    this.#options = options
    server.on('error', (error) => this.#refuse(systemError(error, 'listen', this.url)))
    if (kind === 'plain') {
      server.on('connection', (socket: Socket) => {
        if (this.#admit(socket)) this.#greet(socket)
      })
    } else {
      this.#acceptSecure(server)
    }
  }

  /** TLS greets too, before us: who is busy with that counts already. */
  #acceptSecure(server: Server): void {
    const securing = new Map<string, Socket>()
    server.on('connection', (raw: Socket) => {
      if (!this.#admit(raw)) return
      const name = nameOf(raw)
      securing.set(name, raw)
      raw.once('close', () => {
        this.#greeting.delete(raw)
        if (securing.get(name) === raw) securing.delete(name)
      })
    })
    server.on('secureConnection', (socket: Socket) => {
      const raw = securing.get(nameOf(socket))
      if (raw !== undefined) this.#greeting.delete(raw)
      this.#greeting.add(socket)
      this.#greet(socket)
    })
    server.on('tlsClientError', (error) => this.#refuse(systemError(error, 'listen', this.url)))
  }

  #admit(socket: Socket): boolean {
    const { backlog = 1024 } = this.#options
    this.#greeting.add(socket)
    if (this.#greeting.size + this.waiting <= backlog) return true
    const [oldest = socket] = this.#greeting
    this.#greeting.delete(oldest)
    oldest.on('error', () => {})
    oldest.destroy()
    const reason = `the backlog of ${backlog} is full`
    this.#refuse(new StraitError('NO_RESOURCES', reason, { operation: 'listen', url: this.url }))
    return oldest !== socket
  }

  #greet(socket: Socket): void {
    greetSocket(socket, 'listen', this.#channelOptions, this.#options).then(
      (channel) => {
        this.#greeting.delete(socket)
        this.offer(channel)
      },
      (error: StraitError) => {
        this.#greeting.delete(socket)
        this.#refuse(error)
      },
    )
  }

  #refuse(error: StraitError): void {
    observer.peerRefused?.(this.url, error)
  }
}
