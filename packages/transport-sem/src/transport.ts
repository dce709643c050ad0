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
import type { SharedMemory } from '@strait/posix'
import {
  confirmObjects,
  connectControl,
  listenAt,
  MailboxPackets,
  makeObjects,
  passObjects,
  receiveObjects,
  type SocketPackets,
} from '@strait/rendezvous'
import { adoptSlots, createSlots, Slots } from './slots.js'

export interface SemConnectOptions extends ConnectOptions {
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
 * `sem:name`: the bounded buffer of the textbooks, one for each direction; sem_overview(7). Its slots lie in memory that
 * both ends have mapped, and counting semaphores beside them hand each one over. The ends meet at a rendezvous, where
 * the listener hands over the memory. The socket at which they have met stays, for a semaphore does not tell that nobody
 * will post it any more.
 */
export const sem = {
  schemes: ['sem'],
  capabilities,
  privateAddress: () => new URL(`sem:spawn-${randomBytes(16).toString('hex')}`),

  async listen(url: URL, { signal, ...options }: ListenOptions = {}): Promise<BaseListener<BlockingChannel>> {
    checkOptions(options)
    return listenAt(url, { signal, ...options }, async (control, peer) => {
      const agreement = await greetInPackets(control, 'listen', url, options)
      let memory: SharedMemory | undefined
      try {
        memory = makeObjects(control, createSlots)
        await passObjects(control, { parameters: NONE, descriptors: [memory.descriptor] }, url, options)
        const packets = packetsIn(memory, true, control, url)
        return new BlockingChannel(inPackets(packets, url, agreement, options), { url, capabilities, peer })
      } catch (error) {
        memory?.close()
        control.destroy()
        throw error
      }
    })
  },

  connect: patient(async (url: URL, options: SemConnectOptions): Promise<BlockingChannel> => {
    checkOptions(options)
    const { packets: control, peer } = connectControl(url, options)
    const agreement = await greetInPackets(control, 'connect', url, options)
    let memory: SharedMemory | undefined
    try {
      const { descriptors } = await receiveObjects(control, 1, url, options)
      memory = adoptSlots(descriptors[0]!, url)
      const packets = packetsIn(memory, false, control, url)
      confirmObjects(control)
      return new BlockingChannel(inPackets(packets, url, agreement, options), { url, capabilities, peer })
    } catch (error) {
      memory?.close()
      control.destroy()
      throw error
    }
  }),
} satisfies PeerTransport

/** The memory stays the caller's when this throws. */
function packetsIn(memory: SharedMemory, first: boolean, control: SocketPackets, url: URL): MailboxPackets {
  const slots = new Slots(memory, first, url)
  try {
    return new MailboxPackets(slots, control, url)
  } catch (error) {
    slots.close()
    throw error
  }
}
