import './diagnostics.js'

export { ASIDE, type Claim, claimPath, LONGEST_SOCKET_PATH, openSocketPath } from './claim.js'
export { toDuplex } from './duplex.js'
export { parentChannel } from './parent-channel.js'
export {
  canStartPeers,
  type Inherit,
  type InheritedEnds,
  type PeerTransport,
  type ThreadEnds,
} from './peer-transport.js'
export {
  connectSocket,
  greetSocket,
  SocketBytes,
  type SocketChannelOptions,
  SocketListener,
  startServer,
} from './socket.js'
export { spawnPeer } from './spawn-peer.js'
export type { PeerExit, SpawnedPeer, SpawnOptions } from './spawned-peer.js'
export { structuredClone } from './structured-clone.js'
export { systemError } from './system-error.js'
