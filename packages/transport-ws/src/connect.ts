import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import {
  abortedError,
  type BaseChannel,
  type ConnectOptions,
  checkOptions,
  DEFAULT_HANDSHAKE_TIMEOUT,
  StraitError,
} from '@strait/core'
import { systemError } from '@strait/core/node'
import { WebSocket } from 'ws'
import { endpoint, type Scheme } from './address.js'
import { greet, settings } from './socket-port.js'

export interface WsConnectOptions extends ConnectOptions {
  /** Headers of the HTTP request, beside those of WebSocket. */
  headers?: Record<string, string> | undefined
  /** Node's own options of tls.connect; only for `wss:`. */
  tls?: ConnectionOptions | undefined
}

export async function connect(scheme: Scheme, url: URL, options: WsConnectOptions): Promise<BaseChannel> {
  endpoint(url, scheme, 'connect')
  checkOptions(options)
  if (scheme === 'ws' && options.tls !== undefined) throw new TypeError('ws: does not encrypt; write wss:')
  const { signal, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = options
  if (signal?.aborted) throw abortedError('connect', url, signal.reason)
  const webSocket = new WebSocket(url, {
    ...options.tls,
    ...settings(options),
    headers: options.headers ?? {},
  })
  return new Promise((resolve, reject) => {
    let socket: Socket
    const settle = () => {
      clearTimeout(timer)
      webSocket.off('open', onOpen)
      signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: StraitError) => {
      settle()
      webSocket.terminate()
      reject(error)
    }
    const onOpen = () => {
      settle()
      webSocket.off('error', onError)
      // In this very turn: nothing may arrive before somebody listens.
      resolve(greet(webSocket, socket, 'connect', url, options))
    }
    const onError = (error: Error) => fail(explain(error, url))
    const onAbort = () => fail(abortedError('connect', url, signal?.reason))
    const timer = setTimeout(() => {
      const reason = `the other end did not answer within ${handshakeTimeout} ms`
      fail(new StraitError('TIMEOUT', reason, { operation: 'connect', url }))
    }, handshakeTimeout)
    webSocket.on('upgrade', (response) => {
      socket = response.socket
    })
    webSocket.once('open', onOpen)
    webSocket.on('error', onError)
    webSocket.on('unexpected-response', (_request, { statusCode }) => fail(answered(statusCode, url)))
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** What an HTTP answer means that is no upgrade. Redirections are not followed. */
function answered(status: number | undefined, url: URL): StraitError {
  const fail = (code: 'REFUSED' | 'PERMISSION' | 'CORRUPT', reason: string) =>
    new StraitError(code, `${reason} (HTTP ${status})`, { operation: 'connect', url })
  if (status === 404) return fail('REFUSED', 'nobody is listening at this path')
  if (status === 401 || status === 403) return fail('PERMISSION', 'the server does not let us in')
  if (status === 502 || status === 503 || status === 504)
    return fail('REFUSED', 'the server is not available')
  return fail('CORRUPT', 'the server does not speak WebSocket here')
}

/** Errors of the system have codes of the system, what `ws` finds wrong with an answer has none, and HTTP its own. */
function explain(error: Error & { code?: string }, url: URL): StraitError {
  const context = { operation: 'connect', url, cause: error }
  const { code } = error
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new StraitError('REFUSED', `the other end hung up without a greeting (${code})`, context)
  if (code === undefined || code.startsWith('HPE_'))
    return new StraitError('CORRUPT', `the other end does not speak WebSocket: ${error.message}`, context)
  return systemError(error, 'connect', url)
}
