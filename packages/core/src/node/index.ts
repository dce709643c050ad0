import './diagnostics.js'

export { type Claim, claimPath, LONGEST_SOCKET_PATH, openSocketPath } from './claim.js'
export { parentChannel } from './parent-channel.js'
export type { Inherit, PeerTransport } from './peer-transport.js'
export {
  connectSocket,
  SocketBytes,
  type SocketChannelOptions,
  SocketListener,
  startServer,
} from './socket.js'
export { type PeerExit, type SpawnedPeer, type SpawnOptions, spawnPeer } from './spawn-peer.js'
export { structuredClone } from './structured-clone.js'
export { systemError } from './system-error.js'
