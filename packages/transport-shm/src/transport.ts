import { randomBytes } from 'node:crypto'
import {
  type BaseListener,
  type Capabilities,
  type ConnectOptions,
  checkOptions,
  DEFAULT_MAX_MESSAGE_SIZE,
  greetInPackets,
  inPackets,
  type ListenOptions,
  patient,
  StraitError,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { native, type Seal, SharedMemory } from '@strait/posix'
import {
  confirmObjects,
  connectControl,
  listenAt,
  makeObjects,
  passObjects,
  receiveObjects,
} from '@strait/rendezvous'
import { ShmChannel } from './channel.js'
import { PARAMETERS, parametersOf } from './parameters.js'
import { RingPackets } from './ring-packets.js'

native('load')

export interface ShmConnectOptions extends ConnectOptions {
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

/** What the listener tells of the memory: the bytes of each ring, u32 LE. */
const PARAMETERS_SIZE = 4

/** Its size cannot change any more, so that no access lies beyond the end. */
const SEALS: readonly Seal[] = ['shrink', 'grow', 'seal']

/**
 * `shm:name`: memory that both ends have mapped, with a ring for each direction; memfd_create(2), mmap(2). The ends meet
 * at a rendezvous, where the listener hands over the memory. The socket at which they have met stays: who sleeps is
 * woken by it, and its hang-up is the news of the other end's death.
 */
export const shm = {
  schemes: ['shm'],
  capabilities,
  privateAddress: () => new URL(`shm:spawn-${randomBytes(16).toString('hex')}`),

  async listen(url: URL, { signal, ...options }: ListenOptions = {}): Promise<BaseListener<ShmChannel>> {
    checkOptions(options)
    const { wait, ring: capacity } = parametersOf(url, 'listen')
    const meeting = { signal, ...options, parameters: PARAMETERS }
    return listenAt(url, meeting, async (control, peer) => {
      const agreement = await greetInPackets(control, 'listen', url, options)
      let memory: SharedMemory | undefined
      try {
        memory = makeObjects(control, () =>
          SharedMemory.anonymous(native().ringsSize(capacity), { seals: SEALS, reserve: false }),
        )
        const parameters = new Uint8Array(PARAMETERS_SIZE)
        new DataView(parameters.buffer).setUint32(0, capacity, true)
        await passObjects(control, { parameters, descriptors: [memory.descriptor] }, url, options)
        const packets = new RingPackets({ memory, capacity, first: true, wait, peer }, control, url)
        const link = inPackets(packets, url, agreement, options)
        return new ShmChannel(link, packets, { url, capabilities, peer })
      } catch (error) {
        memory?.close()
        control.destroy()
        throw error
      }
    })
  },

  connect: patient(async (url: URL, options: ShmConnectOptions): Promise<ShmChannel> => {
    checkOptions(options)
    const { wait } = parametersOf(url, 'connect')
    const { packets: control, peer } = connectControl(url, { ...options, parameters: PARAMETERS })
    const agreement = await greetInPackets(control, 'connect', url, options)
    let memory: SharedMemory | undefined
    try {
      const objects = await receiveObjects(control, 1, url, options)
      const capacity = capacityIn(objects.parameters)
      memory = adopt(objects.descriptors[0]!, capacity, url)
      const packets = new RingPackets({ memory, capacity: capacity!, first: false, wait, peer }, control, url)
      confirmObjects(control)
      const link = inPackets(packets, url, agreement, options)
      return new ShmChannel(link, packets, { url, capabilities, peer })
    } catch (error) {
      memory?.close()
      control.destroy()
      throw error
    }
  }),
} satisfies PeerTransport

/** What the listener says of the memory, if it can be. */
function capacityIn(parameters: Uint8Array): number | undefined {
  if (parameters.length !== PARAMETERS_SIZE) return undefined
  const { buffer, byteOffset } = parameters
  const capacity = new DataView(buffer, byteOffset).getUint32(0, true)
  return native().ringsSize(capacity) < 0 ? undefined : capacity
}

/**
 * Maps what a listener has passed, when it is large enough and its size cannot change any more: reaching beyond the end
 * would be SIGBUS.
 *
 * - Errors: `CORRUPT`; `NO_RESOURCES`. The descriptor is then closed.
 */
function adopt(descriptor: number, capacity: number | undefined, url: URL): SharedMemory {
  const corrupt = (cause?: unknown) =>
    new StraitError('CORRUPT', 'the listener passed something else than sealed memory for two rings', {
      operation: 'connect',
      url,
      cause,
    })
  const size = capacity === undefined ? undefined : native().ringsSize(capacity)
  try {
    if (size === undefined) throw corrupt()
    // The size is looked at when the seals have been.
    return SharedMemory.fromDescriptor(descriptor, { seals: SEALS, size })
  } catch (error) {
    native().close(descriptor)
    if (StraitError.is(error, 'NO_RESOURCES')) throw error
    throw StraitError.is(error, 'CORRUPT') ? error : corrupt(error)
  }
}
