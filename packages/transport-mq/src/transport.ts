import { randomBytes } from 'node:crypto'
import {
  type BaseListener,
  BlockingChannel,
  type Capabilities,
  type ConnectOptions,
  checkOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  greetInPackets,
  inPackets,
  type ListenOptions,
  patient,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import {
  confirmObjects,
  connectControl,
  listenAt,
  MailboxPackets,
  makeObjects,
  passObjects,
  receiveObjects,
  sweep,
} from '@strait/rendezvous'
import { closeEnds, createQueues, Queues, reopenQueues } from './queues.js'

export interface MqConnectOptions extends ConnectOptions {
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

const NONE = new Uint8Array(0)

/**
 * `mq:name`: two POSIX message queues for each channel; mq_overview(7). The ends meet at a rendezvous, where the listener
 * hands over the connecting side's ends; the queues have lost their names by then. The socket at which the two have met
 * stays, for a queue does not tell that nobody has its other end any more.
 */
export const mq = {
  schemes: ['mq'],
  capabilities,
  privateAddress: () => new URL(`mq:spawn-${randomBytes(16).toString('hex')}`),

  async listen(url: URL, { signal, ...options }: ListenOptions = {}): Promise<BaseListener<BlockingChannel>> {
    checkOptions(options)
    sweep()
    return listenAt(url, { signal, ...options }, async (control, peer) => {
      const agreement = await greetInPackets(control, 'listen', url, options)
      let queues: Queues | undefined
      try {
        const { near, far } = makeObjects(control, () => createQueues(url))
        try {
          queues = new Queues(near)
          const descriptors = [far.reader, far.writer]
          await passObjects(control, { parameters: NONE, descriptors }, url, options)
        } finally {
          closeEnds(far)
        }
        const packets = new MailboxPackets(queues, control, url)
        return new BlockingChannel(inPackets(packets, url, agreement, options), { url, capabilities, peer })
      } catch (error) {
        queues?.close()
        control.destroy()
        throw error
      }
    })
  },

  connect: patient(async (url: URL, options: MqConnectOptions): Promise<BlockingChannel> => {
    checkOptions(options)
    const { packets: control, peer } = connectControl(url, options)
    const agreement = await greetInPackets(control, 'connect', url, options)
    try {
      const { descriptors } = await receiveObjects(control, 2, url, options)
      const queues = new Queues(reopenQueues(descriptors, url))
      confirmObjects(control)
      const packets = new MailboxPackets(queues, control, url)
      return new BlockingChannel(inPackets(packets, url, agreement, options), { url, capabilities, peer })
    } catch (error) {
      control.destroy()
      throw error
    }
  }),
} satisfies PeerTransport
