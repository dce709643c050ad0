export { Aborts } from './aborts.js'
export { bareName, checkQuery, decodePath, parseAddress, schemeOf } from './address.js'
export { BaseChannel, type BaseChannelOptions } from './base-channel.js'
export { BaseListener, type ListenerControl } from './base-listener.js'
export { BlockingChannel, checkTimeout, isSync } from './blocking-channel.js'
export {
  type Capabilities,
  type Channel,
  type ChannelOptions,
  type CloseInfo,
  type ConnectOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  LARGEST_MAX_MESSAGE_SIZE,
  type Listener,
  type ListenOptions,
  type PeerInfo,
  type SyncChannel,
  type SyncWaitOptions,
  type Transport,
  type WaitOptions,
} from './channel.js'
export { type Codec, json, raw, type TypedChannel, typed } from './codec.js'
export { credited, NO_PORT_EVENTS, type Port, type PortEvents, WINDOW } from './credit.js'
export { type Observer, observer } from './diagnostics.js'
export type { StreamOptions } from './directions.js'
export {
  abortedError,
  type ErrorCode,
  StraitError,
  type StraitErrorContext,
  throwIfAborted,
} from './error.js'
export { afterTurn } from './event-loop.js'
export { HEADER_SIZE, Kind, writeHeader } from './frame.js'
export { framed, frames } from './framed.js'
export {
  type Agreement,
  checkOptions,
  DEFAULT_HANDSHAKE_TIMEOUT,
  PREFACE_SIZE,
  type Role,
} from './handshake.js'
export {
  type JsonRpcEvent,
  type JsonRpcMessage,
  type JsonRpcReader,
  type JsonRpcWriter,
  toJsonRpc,
} from './json-rpc.js'
export { type ByteLink, type Link, type LinkEvents, NO_EVENTS, type PacketLink } from './link.js'
export { mem } from './mem.js'
export { type Merged, merge } from './merge.js'
export { type ChannelPort, type MessagePortOptions, type Transfer, toMessagePort } from './message-port.js'
export { greetInPackets, inPackets, packeted } from './packets.js'
export { patient } from './patience.js'
export { unitToValue, valueToUnit } from './unit-value.js'
export { Waiters } from './waiters.js'
export { toWebStreams, type WebStreams } from './web-streams.js'
