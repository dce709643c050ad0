import { type AddressInfo, connect, createServer } from 'node:net'
import * as tls from 'node:tls'
import {
  type BaseChannel,
  type BaseListener,
  type Capabilities,
  type ConnectOptions,
  checkOptions,
  checkQuery,
  DEFAULT_HANDSHAKE_TIMEOUT,
  DEFAULT_MAX_MESSAGE_SIZE,
  type ListenOptions,
  patient,
  throwIfAborted,
} from '@strait/core'
import { connectSocket, type PeerTransport, SocketListener, startServer } from '@strait/core/node'
import { endpoint } from './address.js'

export interface TcpListenOptions extends ListenOptions {
  /** Node's own options of tls.createServer; the listener then speaks TLS. */
  tls?: tls.TlsOptions | undefined
}

export interface TcpConnectOptions extends ConnectOptions {
  /** Node's own options of tls.connect; the channel then speaks TLS. */
  tls?: tls.ConnectionOptions | undefined
}

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'framed',
  detectsPeerDeath: true,
  survivesSenderDeath: true,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  private: false,
  persistent: false,
  sync: false,
  threads: true,
  scope: 'network',
}

let warned = false

/** Anybody who reaches the port may connect: says so once, unless there is a key or TLS asks for certificates. */
function warnOnce(url: URL, options: TcpListenOptions): void {
  if (warned || options.key !== undefined || options.tls?.requestCert) return
  warned = true
  process.emitWarning(`${url.href} has no key: whoever reaches the port can connect`, {
    code: 'STRAIT_NOT_PRIVATE',
    type: 'StraitWarning',
  })
}

/** `tcp://host:port`: TCP without delay; tcp(7). Port 0 listens on any free port. */
export const tcp = {
  schemes: ['tcp'],
  capabilities,

  async listen(url: URL, options: TcpListenOptions = {}): Promise<BaseListener<BaseChannel>> {
    const address = endpoint(url, 'listen')
    checkQuery(url, 'listen')
    checkOptions(options)
    throwIfAborted('listen', url, options.signal)
    const sockets = { allowHalfOpen: true, noDelay: true }
    const { handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = options
    const server = options.tls
      ? tls.createServer({ handshakeTimeout, ...options.tls, ...sockets })
      : createServer({ ...sockets, pauseOnConnect: true })
    await startServer(server, { ...address, exclusive: true }, url)
    const bound = new URL(url)
    bound.port = String((server.address() as AddressInfo).port)
    warnOnce(bound, options)
    const kind = options.tls ? 'tls' : 'plain'
    const listener = new SocketListener(server, kind, { url: bound, capabilities }, options)
    if (options.signal?.aborted) await listener.close()
    throwIfAborted('listen', url, options.signal)
    return listener
  },

  connect: patient(async (url: URL, options: TcpConnectOptions): Promise<BaseChannel> => {
    const address = { ...endpoint(url, 'connect'), allowHalfOpen: true, noDelay: true }
    checkQuery(url, 'connect')
    checkOptions(options)
    const socket = options.tls ? tls.connect({ ...options.tls, ...address }) : connect(address)
    return connectSocket(socket, options.tls ? 'secureConnect' : 'connect', { url, capabilities }, options)
  }),

  privateAddress: () => new URL('tcp://127.0.0.1:0'),
} satisfies PeerTransport
