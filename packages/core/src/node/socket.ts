import type { Server, Socket } from 'node:net'
import { BaseChannel } from '../base-channel.js'
import { BaseListener } from '../base-listener.js'
import type { Capabilities, ChannelOptions, ListenOptions } from '../channel.js'
import { observer } from '../diagnostics.js'
import { abortedError, StraitError } from '../error.js'
import { framed } from '../framed.js'
import { type ByteLink, type LinkEvents, NO_EVENTS } from '../link.js'
import { systemError } from './system-error.js'

/** Unread bytes at which reading pauses; the kernel holds the rest. */
const READ_AHEAD = 64 * 1024

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
    this.#unread += chunk.length
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
    this.#unread -= chunk.length
    if (this.#paused && this.#unread < READ_AHEAD) {
      this.#paused = false
      // Inside `push` its return value says it.
      if (!this.#pushing && !this.#ended) this.#socket._read(0)
    }
    return chunk
  }

  write(bytes: Uint8Array): boolean {
    this.#writing = true
    this.#written = false
    this.#socket._write(bytes, 'buffer' as BufferEncoding, this.#onWritten)
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
}

/**
 * Waits until a socket is connected, greets, and makes a channel of it.
 *
 * - Errors: those of `Transport.connect`; the socket is then destroyed.
 */
export async function connectSocket(
  socket: Socket,
  ready: 'connect' | 'secureConnect',
  { url, capabilities }: SocketChannelOptions,
  options: ChannelOptions,
): Promise<BaseChannel> {
  const { signal } = options
  const bytes = await new Promise<SocketBytes>((resolve, reject) => {
    const settle = () => {
      socket.off(ready, onReady)
      socket.off('error', onError)
      signal?.removeEventListener('abort', onAbort)
    }
    const onReady = () => {
      settle()
      resolve(new SocketBytes(socket, url))
    }
    const onError = (error: unknown) => {
      settle()
      socket.destroy()
      reject(systemError(error, 'connect', url))
    }
    const onAbort = () => onError(abortedError('connect', url, signal?.reason))
    socket.once(ready, onReady)
    socket.once('error', onError)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
  })
  return new BaseChannel(await framed(bytes, 'connect', url, options), { url, capabilities })
}

/** Starts a server and resolves once it listens. */
export function startServer(server: Server, address: object, operation: string, url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: unknown) => reject(systemError(error, operation, url))
    server.once('error', onError)
    server.listen(address, () => {
      server.off('error', onError)
      resolve()
    })
  })
}

/**
 * Greets whoever connects to a server that listens, and offers the channels. Never more than `backlog` greet or wait
 * at once: a newcomer then takes the place of whoever has been greeting for longest.
 */
export function acceptSockets(
  server: Server,
  event: 'connection' | 'secureConnection',
  { url, capabilities }: SocketChannelOptions,
  { signal: _, backlog = 1024, ...options }: ListenOptions,
  release: () => void = () => {},
): BaseListener<BaseChannel> {
  const greeting = new Set<Socket>()
  const refuse = (error: StraitError) => observer.peerRefused?.(url, error)
  const listener = new BaseListener<BaseChannel>(url, {
    close: async () => {
      release()
      server.close()
      for (const socket of greeting) socket.destroy()
    },
    ref: () => server.ref(),
    unref: () => server.unref(),
  })
  server.on(event, (socket: Socket) => {
    if (greeting.size + listener.waiting >= backlog) {
      const [oldest = socket] = greeting
      oldest.on('error', () => {})
      oldest.destroy()
      greeting.delete(oldest)
      if (oldest === socket) {
        refuse(
          new StraitError('NO_RESOURCES', `the backlog of ${backlog} is full`, { operation: 'listen', url }),
        )
        return
      }
    }
    greeting.add(socket)
    framed(new SocketBytes(socket, url), 'listen', url, options).then(
      (link) => {
        greeting.delete(socket)
        listener.offer(new BaseChannel(link, { url, capabilities }))
      },
      (error: StraitError) => {
        greeting.delete(socket)
        refuse(error)
      },
    )
  })
  server.on('error', (error) => refuse(systemError(error, 'listen', url)))
  return listener
}
