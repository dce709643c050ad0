import { type Server, Socket } from 'node:net'
import { type PeerInfo, StraitError } from '@strait/core'
import { startServer } from '@strait/core/node'
import { check, native, peerCredentials, supported } from '@strait/posix'

// Abstract names need the addon: Node 20 pads them with zeros to the full length, so they are other names than those of
// newer versions of Node, and of every other program. Sockets with such names have no file mode: credentials stand in.

const address = (name: Uint8Array) => Uint8Array.of(0, ...name)

/** Lets a server listen at an abstract name. */
export async function listenAbstract(server: Server, name: Uint8Array, url: URL): Promise<void> {
  const system = native('listen')
  const descriptor = check(system.socket(system.SOCK_STREAM), 'listen', url.href)
  const bound = system.bind(descriptor, address(name))
  if (bound < 0) system.close(descriptor)
  check(bound, 'listen', url.href)
  // From here on the server closes it.
  system.disown(descriptor)
  await startServer(server, { fd: descriptor }, url)
}

/** A socket that is connected to an abstract name. The kernel connects or refuses at once. */
export function connectAbstract(name: Uint8Array, url: URL): Socket {
  const system = native('connect')
  const descriptor = check(system.socket(system.SOCK_STREAM), 'connect', url.href)
  const connected = system.connect(descriptor, address(name))
  if (connected < 0) system.close(descriptor)
  check(connected, 'connect', url.href)
  system.disown(descriptor)
  return new Socket({ fd: descriptor, readable: true, writable: true, allowHalfOpen: true })
}

/** Who was at the other end when the connection was made, where the addon can ask. */
export function peerOf(socket: Socket): PeerInfo | undefined {
  const descriptor: unknown = (socket as { _handle?: { fd?: unknown } })._handle?.fd
  if (!supported || typeof descriptor !== 'number' || descriptor < 0) return undefined
  return peerCredentials(descriptor, 'unix:')
}

/** Whom a listener at an abstract name admits: the users to whom a file of this mode would be writable, and root. */
export function admit(mode: number, url: URL): (socket: Socket) => PeerInfo | undefined {
  return (socket) => {
    const peer = peerOf(socket)
    const admitted =
      peer !== undefined &&
      ([process.geteuid!(), 0].includes(peer.uid!) ||
        (mode & 0o002) !== 0 ||
        ((mode & 0o020) !== 0 && peer.gid === process.getegid!()))
    if (admitted) return peer
    const reason = `user ${peer?.uid ?? 'unknown'} may not connect; \`mode\` says who may`
    throw new StraitError('PERMISSION', reason, { operation: 'listen', url })
  }
}

/** Who may listen at an abstract name to which one connects: this user, root, or `owner`. */
export function trust(owner: number | undefined, url: URL): (socket: Socket) => PeerInfo | undefined {
  return (socket) => {
    const peer = peerOf(socket)
    if (peer !== undefined && [process.geteuid!(), 0, owner].includes(peer.uid)) return peer
    const reason = `user ${peer?.uid ?? 'unknown'} listens here; name that user as \`owner\` to trust it`
    throw new StraitError('PERMISSION', reason, { operation: 'connect', url })
  }
}
