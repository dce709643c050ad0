import type { ChildProcess } from 'node:child_process'
import type { MessagePort } from 'node:worker_threads'
import type { BaseChannel } from '../base-channel.js'
import type { ChannelOptions, Transport } from '../channel.js'
import type { Role } from '../handshake.js'

/**
 * A transport whose peers `spawnPeer` can start: as processes, with `privateAddress` or `inherit`; as threads, with
 * `thread`; in this thread, with only `pair`.
 */
export interface PeerTransport extends Transport<BaseChannel> {
  /** Where a listener for one child listens: an address that nobody else uses or can use. */
  privateAddress?(): URL
  /** For transports whose ends do not meet but are handed over when the child is started. */
  readonly inherit?: Inherit
  /** For transports between threads. */
  readonly thread?: ThreadEnds
}

/** Whether `spawnPeer` can start peers of this transport. */
export function canStartPeers({
  capabilities,
  privateAddress,
  inherit,
  thread,
  pair,
}: PeerTransport): boolean {
  const here = capabilities.scope === 'process' ? pair : undefined
  return (privateAddress ?? inherit ?? thread ?? here) !== undefined
}

export interface ThreadEnds {
  /** Either end, over a port of which it is the only user. */
  join(port: MessagePort, role: Role, url: URL, options: ChannelOptions): Promise<BaseChannel>
}

export interface Inherit {
  /** Makes what one child and its parent need to talk. */
  open(): InheritedEnds
  /** The child's end. `descriptors` are its numbers for what it inherited, in order. */
  child(descriptors: readonly number[], url: URL, options: ChannelOptions): Promise<BaseChannel>
}

export interface InheritedEnds {
  /** The entries that the child's `stdio` needs; see child_process.spawn. A number is a descriptor of this process. */
  readonly stdio: readonly ('pipe' | 'ipc' | number)[]
  /** This end, once there is a child. `descriptors` are the child's numbers for the entries, in order. */
  parent(
    child: ChildProcess,
    descriptors: readonly number[],
    url: URL,
    options: ChannelOptions,
  ): Promise<BaseChannel>
  /** Instead of `parent`, when no child could be started: releases everything. */
  release(): void
}

/** What a parent tells its child, as a line of JSON on the lifeline. */
export interface Invitation {
  readonly url: string
  /** base64 */
  readonly key: string
  readonly descriptors: readonly number[]
  readonly options: { maxMessageSize?: number | undefined; idleTimeout?: number | undefined }
}

/** What a parent tells its thread, in the thread's `workerData`. */
export interface ThreadInvitation {
  readonly url: string
  readonly port: MessagePort
  readonly options: Pick<ChannelOptions, 'key' | 'maxMessageSize' | 'idleTimeout'>
}

/** Names the descriptor of the lifeline in the child's environment, and the invitation in a thread's `workerData`. */
export const PARENT_VARIABLE = 'STRAIT_PARENT'
