import { connect, createServer, Socket } from 'node:net'
import {
  type BaseChannel,
  type BaseListener,
  type Capabilities,
  BaseChannel as Channel,
  type ConnectOptions,
  checkOptions,
  checkQuery,
  DEFAULT_MAX_MESSAGE_SIZE,
  framed,
  type ListenOptions,
  patient,
  throwIfAborted,
} from '@strait/core'
import {
  claimPath,
  connectSocket,
  openSocketPath,
  type PeerTransport,
  SocketBytes,
  SocketListener,
  startServer,
} from '@strait/core/node'
import { socketPath } from './address.js'

export interface UnixListenOptions extends ListenOptions {
  /** The socket's file mode. Whoever may write to it may connect. Default: 0o600, this user only. */
  mode?: number | undefined
}

export interface UnixConnectOptions extends ConnectOptions {
  /** The user whose socket may be trusted besides one's own and root's. */
  owner?: number | undefined
}

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'framed',
  detectsPeerDeath: true,
  survivesSenderDeath: true,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  private: true,
  persistent: true,
  sync: false,
  threads: true,
  scope: 'host',
}

/** `unix:/path`: Unix stream sockets; unix(7). A spawned peer inherits its end of a socketpair: no path at all. */
export const unix = {
  schemes: ['unix'],
  capabilities,

  async listen(url: URL, options: UnixListenOptions = {}): Promise<BaseListener<BaseChannel>> {
    const path = socketPath(url, 'listen')
    checkQuery(url, 'listen')
    checkOptions(options)
    throwIfAborted('listen', url, options.signal)
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    const bind = (path: string) => startServer(server, { path }, url)
    const claim = await claimPath(path, url, options.mode ?? 0o600, bind).catch((error) => {
      server.close()
      throw error
    })
    const listener = new SocketListener(server, 'plain', { url, capabilities }, options, claim.release)
    if (options.signal?.aborted) await listener.close()
    throwIfAborted('listen', url, options.signal)
    return listener
  },

  connect: patient(async (url: URL, options: UnixConnectOptions): Promise<BaseChannel> => {
    const path = socketPath(url, 'connect')
    checkQuery(url, 'connect')
    checkOptions(options)
    const socket = openSocketPath(path, url, options.owner)
    const connecting = connect({ path: socket.path, allowHalfOpen: true })
    socket.close()
    return connectSocket(connecting, 'connect', { url, capabilities }, options)
  }),

  inherit: {
    open: () => ({
      stdio: ['pipe'],
      parent: (child, [descriptor], url, options) =>
        join(child.stdio[descriptor!] as Socket, 'listen', url, options),
      release: () => {},
    }),
    child: ([descriptor], url, options) => {
      const socket = new Socket({ fd: descriptor!, readable: true, writable: true, allowHalfOpen: true })
      return join(socket, 'connect', url, options)
    },
  },
} satisfies PeerTransport

async function join(socket: Socket, role: 'connect' | 'listen', url: URL, options: ConnectOptions) {
  return new Channel(await framed(new SocketBytes(socket, url), role, url, options), { url, capabilities })
}
