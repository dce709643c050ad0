import { type Capabilities, DEFAULT_MAX_MESSAGE_SIZE } from '@strait/core'

export const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'native',
  detectsPeerDeath: true,
  survivesSenderDeath: true,
  deliversAfterPeerDeath: true,
  peerCredentials: false,
  private: false,
  persistent: false,
  sync: false,
  threads: true,
  scope: 'network',
}
