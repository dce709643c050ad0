import {
  BaseChannel,
  type Capabilities,
  type ChannelOptions,
  credited,
  DEFAULT_MAX_MESSAGE_SIZE,
  type Role,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { type IpcEnd, IpcPort } from './port.js'

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'native',
  detectsPeerDeath: true,
  survivesSenderDeath: true,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  private: true,
  persistent: false,
  sync: false,
  threads: false,
  scope: 'family',
}

/** `fork:`: Node's own channel between parent and child, with the backpressure that it lacks. Only for spawned peers. */
export const fork = {
  schemes: ['fork'],
  capabilities,
  inherit: {
    open: () => ({
      stdio: ['ipc'],
      parent: (child, _descriptors, url, options) => join(child as IpcEnd, 'listen', url, options),
      release: () => {},
    }),
    child: (_descriptors, url, options) => join(process as IpcEnd, 'connect', url, options),
  },
} satisfies PeerTransport

async function join(end: IpcEnd, role: Role, url: URL, options: ChannelOptions): Promise<BaseChannel> {
  const link = await credited(new IpcPort(end, url), role, url, options)
  return new BaseChannel(link, { url, capabilities })
}
