import { connect, createServer, Socket } from 'node:net'
import {
  type BaseChannel,
  type BaseListener,
  type Capabilities,
  type ConnectOptions,
  checkOptions,
  checkQuery,
  DEFAULT_MAX_MESSAGE_SIZE,
  type ListenOptions,
  patient,
  throwIfAborted,
} from '@strait/core'
import {
  claimPath,
  connectSocket,
  greetSocket,
  openSocketPath,
  type PeerTransport,
  SocketListener,
  startServer,
} from '@strait/core/node'
import { supported } from '@strait/posix'
import { admit, connectAbstract, listenAbstract, peerOf, trust } from './abstract.js'
import { socketAddress } from './address.js'

export interface UnixListenOptions extends ListenOptions {
  /** The socket's file mode. Whoever may write to it may connect, also at an abstract name. Default: 0o600, this user. */
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
  peerCredentials: supported,
  private: true,
  persistent: true,
  sync: false,
  threads: true,
  scope: 'host',
}

/**
 * `unix:/path`: Unix stream sockets; unix(7). With the addon also `unix:@name`, and the peer's credentials. A spawned
 * peer inherits its end of a socketpair: no name at all.
 */
export const unix = {
  schemes: ['unix'],
  capabilities,

  async listen(url: URL, options: UnixListenOptions = {}): Promise<BaseListener<BaseChannel>> {
    const address = socketAddress(url, 'listen')
    checkQuery(url, 'listen')
    checkOptions(options)
    throwIfAborted('listen', url, options.signal)
    const { mode = 0o600 } = options
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    let release: (() => void) | undefined
    try {
      if (address.kind === 'abstract') {
        await listenAbstract(server, address.name, url)
      } else {
        const bind = (path: string) => startServer(server, { path }, url)
        release = (await claimPath(address.path, url, mode, bind)).release
      }
    } catch (error) {
      server.close()
      throw error
    }
    const channelOptions = {
      url,
      capabilities,
      peerOf: address.kind === 'abstract' ? admit(mode, url) : peerOf,
    }
    const listener = new SocketListener(server, 'plain', channelOptions, options, release)
    if (options.signal?.aborted) await listener.close()
    throwIfAborted('listen', url, options.signal)
    return listener
  },

  connect: patient(async (url: URL, options: UnixConnectOptions): Promise<BaseChannel> => {
    const address = socketAddress(url, 'connect')
    checkQuery(url, 'connect')
    checkOptions(options)
    throwIfAborted('connect', url, options.signal)
    if (address.kind === 'abstract') {
      const socket = connectAbstract(address.name, url)
      const channelOptions = { url, capabilities, peerOf: trust(options.owner, url) }
      return greetSocket(socket, 'connect', channelOptions, options)
    }
    const socket = openSocketPath(address.path, url, options.owner)
    const connecting = connect({ path: socket.path, allowHalfOpen: true })
    socket.close()
    return connectSocket(connecting, 'connect', { url, capabilities, peerOf }, options)
  }),

  inherit: {
    open: () => ({
      stdio: ['pipe'],
      parent(child, [descriptor], url, options) {
        // A socketpair's credentials are those of whoever made it, here this process; but we know whom we started.
        const started = { pid: child.pid, uid: process.geteuid!(), gid: process.getegid!() }
        const channelOptions = { url, capabilities, peerOf: () => (supported ? started : undefined) }
        return greetSocket(child.stdio[descriptor!] as Socket, 'listen', channelOptions, options)
      },
      release: () => {},
    }),
    child([descriptor], url, options) {
      const socket = new Socket({ fd: descriptor!, readable: true, writable: true, allowHalfOpen: true })
      return greetSocket(socket, 'connect', { url, capabilities, peerOf }, options)
    },
  },
} satisfies PeerTransport
