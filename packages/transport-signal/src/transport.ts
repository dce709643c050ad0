import { randomBytes } from 'node:crypto'
import {
  type BaseListener,
  BlockingChannel,
  type Capabilities,
  type ChannelOptions,
  type ConnectOptions,
  checkOptions,
  frames,
  greetInPackets,
  type ListenOptions,
  type PeerInfo,
  patient,
  StraitError,
} from '@strait/core'
import type { PeerTransport } from '@strait/core/node'
import { native } from '@strait/posix'
import {
  confirmObjects,
  connectControl,
  listenAt,
  makeObjects,
  ownUid,
  passObjects,
  receiveObjects,
  type SocketPackets,
} from '@strait/rendezvous'
import { SignalBytes } from './signal-bytes.js'

native('load')

export interface SignalConnectOptions extends ConnectOptions {
  /** Whose name it is. Another user's is found, and is `PERMISSION`: nobody but root may signal another user. */
  owner?: number | undefined
}

const capabilities: Capabilities = {
  // More is possible, and allowed to who asks for it. It takes 210,000 signals for a MiB.
  maxMessageSize: 64 * 1024,
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

/**
 * `signal:name`: queued real-time signals, 5 bytes in each, directed at the thread at the other end; signal(7). The ends
 * meet at a rendezvous, where each tells the other one where it receives. The socket at which they have met stays: its
 * hang-up is the news of the other end's death, after which no signal is sent any more.
 */
export const signal = {
  schemes: ['signal'],
  capabilities,
  privateAddress: () => new URL(`signal:spawn-${randomBytes(16).toString('hex')}`),

  async listen(url: URL, { signal, ...rest }: ListenOptions = {}): Promise<BaseListener<BlockingChannel>> {
    const options = withDefaults(rest)
    checkLimit('listen', url)
    return listenAt(url, { signal, ...options }, async (control, peer) => {
      const agreement = await greetInPackets(control, 'listen', url, options)
      const make = () => makeObjects(control, () => new SignalBytes(control, peer, url))
      const bytes = await meet(control, make, async (bytes) => {
        const objects = { parameters: bytes.address, descriptors: [] }
        bytes.open(await passObjects(control, objects, url, options), 'listen')
      })
      return new BlockingChannel(frames(bytes, url, agreement, options), { url, capabilities, peer })
    })
  },

  connect: patient(async (url: URL, given: SignalConnectOptions): Promise<BlockingChannel> => {
    const options = withDefaults(given)
    checkLimit('connect', url)
    const { packets: control, peer } = connectControl(url, options)
    checkUser(control, peer, url)
    const agreement = await greetInPackets(control, 'connect', url, options)
    const make = () => new SignalBytes(control, peer, url)
    const bytes = await meet(control, make, async (bytes) => {
      const { parameters } = await receiveObjects(control, 0, url, options)
      const { address } = bytes
      bytes.open(parameters, 'connect')
      confirmObjects(control, address)
    })
    return new BlockingChannel(frames(bytes, url, agreement, options), { url, capabilities, peer })
  }),
} satisfies PeerTransport

function withDefaults<O extends ChannelOptions>(options: O): O {
  checkOptions(options)
  return { ...options, maxMessageSize: options.maxMessageSize ?? capabilities.maxMessageSize }
}

/** Where nothing may be pending, nothing would ever come. */
function checkLimit(operation: string, url: URL): void {
  if (native().signalLimit() !== 0) return
  const reason = 'this process may not have any signal pending; `ulimit -i` shows and raises the limit'
  throw new StraitError('NO_RESOURCES', reason, { operation, url })
}

/** Root could signal everybody, but nobody could signal root. */
function checkUser(control: SocketPackets, { uid }: PeerInfo, url: URL): void {
  if (uid === ownUid()) return
  control.destroy()
  const reason = `user ${uid} listens here, and signals pass both ways only between processes of one user`
  throw new StraitError('PERMISSION', reason, { operation: 'connect', url })
}

/** Lets both ends tell each other where they receive. What it makes owns the control socket, which is closed on failure. */
async function meet(
  control: SocketPackets,
  make: () => SignalBytes,
  exchange: (bytes: SignalBytes) => Promise<void>,
): Promise<SignalBytes> {
  let owner: { destroy(): void } = control
  try {
    const bytes = make()
    owner = bytes
    await exchange(bytes)
    return bytes
  } catch (error) {
    owner.destroy()
    throw error
  }
}
