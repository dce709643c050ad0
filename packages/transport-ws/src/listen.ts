import * as http from 'node:http'
import * as https from 'node:https'
import * as tls from 'node:tls'
import {
  abortedError,
  checkOptions,
  DEFAULT_HANDSHAKE_TIMEOUT,
  type ListenOptions,
  StraitError,
  throwIfAborted,
} from '@strait/core'
import { startServer, systemError } from '@strait/core/node'
import { type Endpoint, endpoint, type Scheme } from './address.js'
import { WebSocketListener } from './listener.js'
import type { Server } from './upgrades.js'

export interface WsListenOptions extends ListenOptions {
  /** Node's own options of tls.createServer, for `wss:` without a `server`. */
  tls?: tls.TlsOptions | undefined
  /**
   * Your own HTTP server, of https for `wss:`. Only upgrades of the URL's path are taken from it. `listen` resolves
   * when it listens, and leaves starting and closing it to you.
   */
  server?: Server | undefined
  /**
   * Which pages may connect, by their origin as a browser tells it: `https://example.org`. Default: those that come
   * from the host at which they connect. Programs that are no browsers need no origin.
   */
  origins?: readonly string[] | 'any' | undefined
}

export async function listen(scheme: Scheme, url: URL, options: WsListenOptions): Promise<WebSocketListener> {
  const address = endpoint(url, scheme, 'listen')
  checkOptions(options)
  checkServer(scheme, options)
  const { server: given, signal } = options
  throwIfAborted('listen', url, signal)
  const server = given ?? (await start(address, url, options))
  try {
    if (given !== undefined) await listening(given, url, signal)
    throwIfAborted('listen', url, signal)
    const bound = new URL(url)
    bound.port = String(portOf(server, address, url))
    warnOnce(bound, options)
    return new WebSocketListener(server, given === undefined, bound, options)
  } catch (error) {
    if (given === undefined) server.close()
    throw error
  }
}

function checkServer(scheme: Scheme, { server, tls: identity }: WsListenOptions): void {
  if (server !== undefined && identity !== undefined)
    throw new TypeError('`tls` is for a listener without `server`')
  if (scheme === 'ws' && identity !== undefined) throw new TypeError('ws: does not encrypt; write wss:')
  if (server !== undefined) {
    if (server instanceof tls.Server !== (scheme === 'wss'))
      throw new TypeError(`${scheme}: needs a server of ${scheme === 'wss' ? 'https' : 'http'}`)
  } else if (scheme === 'wss' && identity === undefined) {
    throw new TypeError('wss: needs `tls` with a certificate and its key, or a `server`')
  }
}

/** A server that serves nothing but upgrades. */
async function start({ host, port }: Endpoint, url: URL, options: WsListenOptions): Promise<Server> {
  const { handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = options
  // The listener watches over who is slow; Node would look at every connection each 30 s, for ever.
  const patience = { headersTimeout: 0, requestTimeout: 0, connectionsCheckingInterval: 0x7fffffff }
  const server: Server =
    options.tls === undefined
      ? http.createServer(patience)
      : https.createServer({ handshakeTimeout, ...options.tls, ...patience })
  server.on('request', (_request, response) => {
    const headers = { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' }
    response.writeHead(426, headers).end('This address speaks WebSocket only.\n')
  })
  await startServer(server, { host, port, exclusive: true }, url)
  return server
}

/** Resolves when somebody else's server listens. */
function listening(server: Server, url: URL, signal: AbortSignal | undefined): Promise<void> {
  if (server.listening) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const settle = () => {
      server.off('listening', onListening)
      server.off('error', onError)
      signal?.removeEventListener('abort', onAbort)
    }
    const onListening = () => {
      settle()
      resolve()
    }
    const onError = (error: Error) => {
      settle()
      reject(systemError(error, 'listen', url))
    }
    const onAbort = () => {
      settle()
      reject(abortedError('listen', url, signal?.reason))
    }
    server.on('listening', onListening)
    server.on('error', onError)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** The port of a server that listens; it is the one that the URL asks for. */
function portOf(server: Server, { port }: Endpoint, url: URL): number {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation: 'listen', url })
  const address = server.address()
  if (address === null || typeof address === 'string') throw invalid('the server does not listen on a port')
  if (port !== 0 && port !== address.port) throw invalid(`the server listens on port ${address.port}`)
  return address.port
}

let warned = false

/** Anybody who reaches the port may connect: says so once, unless there is a key or TLS asks for certificates. */
function warnOnce(url: URL, options: WsListenOptions): void {
  if (warned || options.key !== undefined || options.tls?.requestCert) return
  warned = true
  process.emitWarning(`${url.href} has no key: whoever reaches the port can connect`, {
    code: 'STRAIT_NOT_PRIVATE',
    type: 'StraitWarning',
  })
}
