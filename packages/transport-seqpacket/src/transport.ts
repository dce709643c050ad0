import { randomBytes } from 'node:crypto'
import {
  type BaseListener,
  type Capabilities,
  type ChannelOptions,
  type ConnectOptions,
  checkOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  type ListenOptions,
  packeted,
  patient,
  type Role,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { native } from '@strait/posix'
import { type Control, connectControl, listenAt } from '@strait/rendezvous'
import { MOST_DESCRIPTORS, SeqpacketChannel } from './channel.js'

native('load')

interface DescriptorOptions {
  /** How many descriptors a message of the peer may bring, 0 to 253. Default: 0. */
  maxDescriptors?: number | undefined
}

export interface SeqpacketListenOptions extends ListenOptions, DescriptorOptions {}

export interface SeqpacketConnectOptions extends ConnectOptions, DescriptorOptions {
  /** The user whose listener may be trusted besides one's own and root's. */
  owner?: number | undefined
}

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'native',
  detectsPeerDeath: true,
  survivesSenderDeath: true,
  deliversAfterPeerDeath: true,
  peerCredentials: true,
  private: true,
  persistent: true,
  sync: true,
  threads: true,
  scope: 'host',
}

/** `seqpacket:name`: Unix SEQPACKET sockets, which keep messages apart themselves; unix(7). */
export const seqpacket = {
  schemes: ['seqpacket'],
  capabilities,
  privateAddress: () => new URL(`seqpacket:spawn-${randomBytes(16).toString('hex')}`),

  async listen(
    url: URL,
    { signal, ...options }: SeqpacketListenOptions = {},
  ): Promise<BaseListener<SeqpacketChannel>> {
    checkOptions(options)
    checkMaxDescriptors(options)
    return listenAt(url, { signal, ...options }, (packets, peer) =>
      join({ packets, peer }, 'listen', url, options),
    )
  },

  connect: patient(async (url: URL, options: SeqpacketConnectOptions): Promise<SeqpacketChannel> => {
    checkOptions(options)
    checkMaxDescriptors(options)
    return join(connectControl(url, options), 'connect', url, options)
  }),
} satisfies PeerTransport

async function join(
  { packets, peer }: Control,
  role: Role,
  url: URL,
  options: ChannelOptions & DescriptorOptions,
) {
  const link = await packeted(packets, role, url, options)
  packets.mostDescriptors = options.maxDescriptors ?? 0
  return new SeqpacketChannel(link, packets, { url, capabilities, peer })
}

function checkMaxDescriptors({ maxDescriptors = 0 }: DescriptorOptions): void {
  if (!Number.isInteger(maxDescriptors) || maxDescriptors < 0 || maxDescriptors > MOST_DESCRIPTORS)
    throw new RangeError(`maxDescriptors must be 0 to ${MOST_DESCRIPTORS}, got ${maxDescriptors}`)
}
