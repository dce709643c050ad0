import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { accessSync, constants } from 'node:fs'
import { isIP } from 'node:net'
import {
  BaseChannel,
  type BaseListener,
  type Capabilities,
  type ConnectOptions,
  checkOptions,
  checkQuery,
  credited,
  DEFAULT_MAX_MESSAGE_SIZE,
  type ListenOptions,
  patient,
  throwIfAborted,
} from '@strait/core'
import { claimPath, openSocketPath, type PeerTransport, systemError } from '@strait/core/node'
import { endpoint, isAbstract, socketName } from './address.js'
import { shakeHands } from './connect.js'
import { ConnectingPort } from './connecting-port.js'
import { type CurveClient, type CurveServer, clientOptions, serverOptions } from './curve.js'
import { Hub, takeOver } from './hub.js'
import { ZmqListener } from './listener.js'
import { ConnectingSocket, checkSupport, socketOptions } from './sockets.js'

export interface ZmqListenOptions extends ListenOptions {
  /** The listener then speaks CURVE: what is sent is encrypted, and who connects must know its public key. */
  curve?: CurveServer | undefined
}

export interface ZmqConnectOptions extends ConnectOptions {
  /** For a listener that speaks CURVE. */
  curve?: CurveClient | undefined
}

export interface ZmqIpcListenOptions extends ZmqListenOptions {
  /** The socket's file mode. Whoever may write to it may connect. Default: 0o600, this user only. */
  mode?: number | undefined
}

export interface ZmqIpcConnectOptions extends ZmqConnectOptions {
  /** The user whose socket may be trusted besides one's own and root's. */
  owner?: number | undefined
}

const common = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'native',
  detectsPeerDeath: true,
  survivesSenderDeath: false,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  sync: false,
  threads: false,
} as const

const tcpCapabilities: Capabilities = { ...common, private: false, persistent: false, scope: 'network' }
const ipcCapabilities: Capabilities = { ...common, private: true, persistent: true, scope: 'host' }

/** Opens a hub at an endpoint of ZeroMQ's, or takes over one whose listener is closed, and listens. */
async function listen(
  url: URL,
  options: ZmqListenOptions,
  capabilities: Capabilities,
  bind: (open: (endpoint: string, how?: How) => Promise<Opened>) => Promise<Bound>,
): Promise<BaseListener<BaseChannel>> {
  checkSupport('listen', url)
  const security = serverOptions(options.curve)
  throwIfAborted('listen', url, options.signal)
  let hub: Hub | undefined
  const open = async (endpoint: string, { ipv6 = false, passing = false }: How = {}): Promise<Opened> => {
    const wanted = { ...socketOptions(options), ...security, ipv6 }
    const heir = passing ? undefined : await takeOver(endpoint, wanted)
    hub = heir ?? new Hub(wanted)
    if (heir === undefined && endpoint.startsWith('ipc://@')) hub.socket.admitOnlyThisUser()
    return { hub, endpoint: heir === undefined ? hub.bind(endpoint, passing) : endpoint }
  }
  try {
    const { url: bound, hub: bearer, release } = await bind(open)
    const listener = new ZmqListener(bearer, bound, capabilities, options, release)
    if (options.signal?.aborted) await listener.close()
    throwIfAborted('listen', url, options.signal)
    return listener
  } catch (error) {
    await hub?.retire()
    throw systemError(error, 'listen', url)
  }
}

interface How {
  readonly ipv6?: boolean
  /** See {@link Hub.bind}. */
  readonly passing?: boolean
}

interface Opened {
  readonly hub: Hub
  readonly endpoint: string
}

interface Bound {
  readonly hub: Hub
  readonly url: URL
  /** Gives back what ZeroMQ does not. */
  release(): void
}

async function connect(
  address: string,
  url: URL,
  options: ZmqConnectOptions,
  capabilities: Capabilities,
  ipv6 = false,
): Promise<BaseChannel> {
  checkSupport('connect', url)
  const security = clientOptions(options.curve)
  throwIfAborted('connect', url, options.signal)
  let socket: ConnectingSocket | undefined
  try {
    socket = new ConnectingSocket({ ...socketOptions(options), ...security, ipv6 })
    await shakeHands(socket, address, options.curve !== undefined, url, options)
  } catch (error) {
    socket?.close()
    throw systemError(error, 'connect', url)
  }
  const link = await credited(new ConnectingPort(socket, url), 'connect', url, options)
  return new BaseChannel(link, { url, capabilities })
}

/** The host as a number: ZeroMQ would look names up in its only I/O thread, and everything else would wait. */
async function numeric(host: string, operation: string, url: URL): Promise<{ host: string; ipv6: boolean }> {
  if (isIP(host) !== 0) return { host: isIP(host) === 6 ? `[${host}]` : host, ipv6: isIP(host) === 6 }
  try {
    const { address, family } = await lookup(host)
    return { host: family === 6 ? `[${address}]` : address, ipv6: family === 6 }
  } catch (error) {
    throw systemError(error, operation, url)
  }
}

let warned = false

/** Anybody who reaches the port may connect: says so once, unless there is a key. */
function warnOnce(url: URL, { key }: ZmqListenOptions): void {
  if (warned || key !== undefined) return
  warned = true
  process.emitWarning(`${url.href} has no key: whoever reaches the port can connect`, {
    code: 'STRAIT_NOT_PRIVATE',
    type: 'StraitWarning',
  })
}

/** `zmq+tcp://host:port`: ZeroMQ over TCP; zmq_tcp(7). Port 0 listens on any free port. */
export const zmqTcp = {
  schemes: ['zmq+tcp'],
  capabilities: tcpCapabilities,

  async listen(url: URL, options: ZmqListenOptions = {}): Promise<BaseListener<BaseChannel>> {
    const address = endpoint(url, 'listen')
    checkQuery(url, 'listen')
    checkOptions(options)
    const { host, ipv6 } = await numeric(address.host, 'listen', url)
    return listen(url, options, tcpCapabilities, async (open) => {
      const { hub, endpoint: name } = await open(`tcp://${host}:${address.port}`, { ipv6 })
      const bound = new URL(url)
      bound.port = name.slice(name.lastIndexOf(':') + 1)
      warnOnce(bound, options)
      return { hub, url: bound, release() {} }
    })
  },

  connect: patient(async (url: URL, options: ZmqConnectOptions): Promise<BaseChannel> => {
    const address = endpoint(url, 'connect')
    checkQuery(url, 'connect')
    checkOptions(options)
    const { host, ipv6 } = await numeric(address.host, 'connect', url)
    return connect(`tcp://${host}:${address.port}`, url, options, tcpCapabilities, ipv6)
  }),

  privateAddress: () => new URL('zmq+tcp://127.0.0.1:0'),
} satisfies PeerTransport

/**
 * `zmq+ipc:/path`: ZeroMQ over a Unix socket; zmq_ipc(7). `zmq+ipc:@name` has no file: an abstract name, to which the
 * kernel vouches for the user who connects.
 */
export const zmqIpc = {
  schemes: ['zmq+ipc'],
  capabilities: ipcCapabilities,

  async listen(url: URL, options: ZmqIpcListenOptions = {}): Promise<BaseListener<BaseChannel>> {
    const name = socketName(url, 'listen')
    checkQuery(url, 'listen')
    checkOptions(options)
    return listen(url, options, ipcCapabilities, async (open) => {
      if (isAbstract(name)) return { hub: (await open(`ipc://${name}`)).hub, url, release() {} }
      let opened: Opened | undefined
      const claim = await claimPath(name, url, options.mode ?? 0o600, async (path) => {
        opened = await open(`ipc://${path}`, { passing: true })
      })
      return { hub: opened!.hub, url, release: claim.release }
    })
  },

  connect: patient(async (url: URL, options: ZmqIpcConnectOptions): Promise<BaseChannel> => {
    const name = socketName(url, 'connect')
    checkQuery(url, 'connect')
    checkOptions(options)
    if (isAbstract(name)) return connect(`ipc://${name}`, url, options, ipcCapabilities)
    // Open until ZeroMQ's I/O thread has connected by it.
    const way = openSocketPath(name, url, options.owner)
    try {
      accessSync(way.path, constants.W_OK)
      return await connect(`ipc://${way.path}`, url, options, ipcCapabilities)
    } catch (error) {
      throw systemError(error, 'connect', url)
    } finally {
      way.close()
    }
  }),

  privateAddress: () => new URL(`zmq+ipc:@strait-${randomUUID()}`),
} satisfies PeerTransport
