import { randomBytes } from 'node:crypto'
import {
  type BaseListener,
  BlockingChannel,
  type Capabilities,
  type ConnectOptions,
  checkOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  frames,
  greetInPackets,
  type ListenOptions,
  patient,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { native } from '@strait/posix'
import {
  confirmObjects,
  connectControl,
  DescriptorBytes,
  listenAt,
  makeObjects,
  passObjects,
  receiveObjects,
  sweep,
} from '@strait/rendezvous'
import { closeEnds, createFifos, reopenFifos } from './fifos.js'

native('load')

export interface FifoConnectOptions extends ConnectOptions {
  /** The user whose listener may be trusted besides one's own and root's. */
  owner?: number | undefined
}

const capabilities: Capabilities = {
  maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
  boundaries: 'framed',
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
 * `fifo:name`: two FIFOs for each channel; fifo(7). The ends meet at a rendezvous, where the listener hands over the
 * connecting side's ends. The FIFOs have lost their names by then, so the kernel itself tells of a killed peer.
 */
export const fifo = {
  schemes: ['fifo'],
  capabilities,
  privateAddress: () => new URL(`fifo:spawn-${randomBytes(16).toString('hex')}`),

  async listen(url: URL, { signal, ...options }: ListenOptions = {}): Promise<BaseListener<BlockingChannel>> {
    checkOptions(options)
    sweep()
    return listenAt(url, { signal, ...options }, async (control, peer) => {
      const agreement = await greetInPackets(control, 'listen', url, options)
      try {
        const { near, far } = makeObjects(control, () => createFifos(url))
        let bytes: DescriptorBytes | undefined
        try {
          bytes = new DescriptorBytes(near.reader, near.writer, url)
          const descriptors = [far.reader, far.writer]
          await passObjects(control, { parameters: NONE, descriptors }, url, options)
        } catch (error) {
          bytes?.destroy()
          throw error
        } finally {
          closeEnds(far)
        }
        return new BlockingChannel(frames(bytes, url, agreement, options), { url, capabilities, peer })
      } finally {
        control.destroy()
      }
    })
  },

  connect: patient(async (url: URL, options: FifoConnectOptions): Promise<BlockingChannel> => {
    checkOptions(options)
    const { packets: control, peer } = connectControl(url, options)
    const agreement = await greetInPackets(control, 'connect', url, options)
    try {
      const { descriptors } = await receiveObjects(control, 2, url, options)
      const { reader, writer } = reopenFifos(descriptors, url)
      confirmObjects(control)
      const link = frames(new DescriptorBytes(reader, writer, url), url, agreement, options)
      return new BlockingChannel(link, { url, capabilities, peer })
    } finally {
      control.destroy()
    }
  }),
} satisfies PeerTransport
