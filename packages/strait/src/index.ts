import {
  type BaseChannel,
  type ChannelOptions,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  parseAddress,
  StraitError,
  schemeOf,
} from '@strait/core'
import * as node from '@strait/core/node'
import type { FifoConnectOptions } from '@strait/transport-fifo'
import type { MqConnectOptions } from '@strait/transport-mq'
import type { SemConnectOptions } from '@strait/transport-sem'
import type { SeqpacketConnectOptions, SeqpacketListenOptions } from '@strait/transport-seqpacket'
import type { ShmConnectOptions } from '@strait/transport-shm'
import type { SignalConnectOptions } from '@strait/transport-signal'
import type { SysvMqConnectOptions } from '@strait/transport-sysv-mq'
import type { TcpConnectOptions, TcpListenOptions } from '@strait/transport-tcp'
import type { UnixConnectOptions, UnixListenOptions } from '@strait/transport-unix'
import type { WsConnectOptions, WsListenOptions } from '@strait/transport-ws'
import { loadTransport } from './transports.js'

export * from '@strait/core'
export {
  type PeerExit,
  type SpawnedPeer,
  type SpawnOptions,
  structuredClone,
  toDuplex,
} from '@strait/core/node'
export { loadTransport, peerSchemes, schemes } from './transports.js'

/** The options of every transport; those of one only are listed on its page and have no effect on others. */
export type AnyListenOptions = ListenOptions &
  UnixListenOptions &
  SeqpacketListenOptions &
  TcpListenOptions &
  WsListenOptions
export type AnyConnectOptions = ConnectOptions &
  UnixConnectOptions &
  FifoConnectOptions &
  SignalConnectOptions &
  MqConnectOptions &
  SysvMqConnectOptions &
  SemConnectOptions &
  SeqpacketConnectOptions &
  ShmConnectOptions &
  TcpConnectOptions &
  WsConnectOptions

/** Listens at an address of any scheme. */
export async function listen(
  address: string | URL,
  options: AnyListenOptions = {},
): Promise<Listener<BaseChannel>> {
  const url = parseAddress(address, 'listen')
  const transport = await loadTransport(schemeOf(url, 'listen'), 'listen', url)
  if (transport.listen === undefined) throw onlyForPeers(url, 'listen')
  return transport.listen(url, options)
}

/** Connects to an address of any scheme. */
export async function connect(address: string | URL, options: AnyConnectOptions = {}): Promise<BaseChannel> {
  const url = parseAddress(address, 'connect')
  const transport = await loadTransport(schemeOf(url, 'connect'), 'connect', url)
  if (transport.connect === undefined) throw onlyForPeers(url, 'connect')
  return transport.connect(url, options)
}

function onlyForPeers(url: URL, operation: string): StraitError {
  const reason = `${url.protocol} has no addresses; use spawnPeer('${url.protocol}', …)`
  return new StraitError('NOT_SUPPORTED', reason, { operation, url })
}

/**
 * Starts a program and resolves with a channel to it. `address` is a scheme alone, such as `unix:`, or one with parameters,
 * such as `shm:?wait=spin`; spawnPeer chooses the rest. The contract is that of `spawnPeer` in `@strait/core/node`.
 */
export async function spawnPeer(
  address: string | URL,
  entry: string | URL,
  options: node.SpawnOptions = {},
): Promise<node.SpawnedPeer> {
  const transport = await loadTransport(schemeOf(address, 'spawn'), 'spawn', address)
  return node.spawnPeer(transport, String(address), entry, options)
}

/** The channel to the program that started this one with `spawnPeer`. */
export function parentChannel(options: ChannelOptions = {}): Promise<BaseChannel> {
  return node.parentChannel((scheme) => loadTransport(scheme, 'parentChannel'), options)
}
