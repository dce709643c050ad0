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
import { native } from '@strait/posix'
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
import { QueueBoxes } from './boxes.js'
import { adoptQueues, createQueues, parametersOf } from './queues.js'

export interface SysvMqConnectOptions extends ConnectOptions {
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

/**
 * `sysv-mq:name`: two System V message queues for each channel; sysvipc(7). The ends meet at a rendezvous, where the
 * listener names the queues. A queue has a key for its life, and stays when its processes are gone: both ends hold the
 * record that knows the keys. The socket at which the two have met stays, for a queue does not tell that nobody has its
 * other end any more.
 */
export const sysvMq = {
  schemes: ['sysv-mq'],
  capabilities,
  privateAddress: () => new URL(`sysv-mq:spawn-${randomBytes(16).toString('hex')}`),

  async listen(url: URL, { signal, ...options }: ListenOptions = {}): Promise<BaseListener<BlockingChannel>> {
    checkOptions(options)
    sweep()
    return listenAt(url, { signal, ...options }, async (control, peer) => {
      const agreement = await greetInPackets(control, 'listen', url, options)
      let boxes: QueueBoxes | undefined
      try {
        const ends = makeObjects(control, () => createQueues(url))
        boxes = makeObjects(control, () => new QueueBoxes(ends, url))
        const descriptors = [ends.record.descriptor]
        await passObjects(control, { parameters: parametersOf(ends), descriptors }, url, options)
        const packets = new MailboxPackets(boxes, control, url)
        return new BlockingChannel(inPackets(packets, url, agreement, options), { url, capabilities, peer })
      } catch (error) {
        boxes?.close()
        control.destroy()
        throw error
      }
    })
  },

  connect: patient(async (url: URL, options: SysvMqConnectOptions): Promise<BlockingChannel> => {
    checkOptions(options)
    const { packets: control, peer } = connectControl(url, options)
    const agreement = await greetInPackets(control, 'connect', url, options)
    try {
      const { parameters, descriptors } = await receiveObjects(control, 1, url, options)
      const boxes = new QueueBoxes(adopt(parameters, descriptors, peer.uid!, url), url)
      confirmObjects(control)
      const packets = new MailboxPackets(boxes, control, url)
      return new BlockingChannel(inPackets(packets, url, agreement, options), { url, capabilities, peer })
    } catch (error) {
      control.destroy()
      throw error
    }
  }),
} satisfies PeerTransport

function adopt(parameters: Uint8Array, [record]: readonly number[], owner: number, url: URL) {
  try {
    return adoptQueues(parameters, record!, owner, url)
  } finally {
    native().close(record!)
  }
}
