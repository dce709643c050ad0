import {
  abortedError,
  type ChannelOptions,
  DEFAULT_HANDSHAKE_TIMEOUT,
  NO_EVENTS,
  type PeerInfo,
  StraitError,
} from '@strait/core'
import { openSocketPath } from '@strait/core/node'
import { check, native } from '@strait/posix'
import { placeOf } from './address.js'
import { SocketPackets } from './socket-packets.js'

export interface MeetOptions extends ChannelOptions {
  /** The user whose listener may be trusted besides one's own and root's. */
  owner?: number | undefined
}

/** A control socket, before anything was said, and who is there on the kernel's word. */
export interface Control {
  readonly packets: SocketPackets
  readonly peer: PeerInfo
}

/** This process's user; the kernel knows the effective one. */
export const ownUid = (): number => process.geteuid!()

/** Who was there when the connection was made; SO_PEERCRED. A process of another PID namespace has no number here. */
export function credentialsOf(descriptor: number, url: URL, operation: string): Required<PeerInfo> {
  const out = new Int32Array(3)
  check(native().peerCredentials(descriptor, out), operation, url.href)
  const [pid = 0, uid = 0, gid = 0] = out
  return { pid: pid === 0 ? undefined : pid, uid: uid >>> 0, gid: gid >>> 0 }
}

/**
 * Connects to whoever listens at the meeting place, and makes sure whose process that is. Nothing is waited for: the
 * kernel connects or refuses at once.
 *
 * - Errors: `REFUSED` nobody is there, or the kernel's queue is full; `PERMISSION` somebody else's; `ADDRESS_INVALID`.
 */
export function connectControl(url: URL, options: MeetOptions): Control {
  const place = placeOf(url, 'connect', options.owner ?? ownUid())
  const system = native('connect')
  const descriptor = check(system.socket(system.SOCK_SEQPACKET), 'connect', url.href)
  try {
    if (place.kind === 'abstract') {
      check(system.connect(descriptor, place.address), 'connect', url.href)
    } else {
      const file = openSocketPath(place.path, url, options.owner)
      const result = system.connect(descriptor, new TextEncoder().encode(file.path))
      file.close()
      check(result, 'connect', url.href)
    }
    const peer = credentialsOf(descriptor, url, 'connect')
    const refusal = refusalOf(peer.uid!, options.owner)
    if (refusal !== undefined) throw new StraitError('PERMISSION', refusal, { operation: 'connect', url })
    return { packets: new SocketPackets(descriptor, url), peer }
  } catch (error) {
    system.close(descriptor)
    throw error
  }
}

/** Why this process does not talk to a listener of that user; the listener for its part admits its own user and root. */
function refusalOf(user: number, owner: number | undefined): string | undefined {
  if (![ownUid(), 0, owner].includes(user))
    return `user ${user} listens here; name that user as \`owner\` to trust it`
  if (![user, 0].includes(ownUid())) return `user ${user} listens here, and admits only itself and root`
  return undefined
}

/** What a listener hands over: parameters, and exactly so many descriptors. */
export interface Objects {
  readonly parameters: Uint8Array
  readonly descriptors: readonly number[]
}

/**
 * Waits for what the listener made for this connection. The descriptors are the caller's.
 *
 * - Errors: `CORRUPT` not exactly `count` descriptors; `RESET` the listener is gone; `TIMEOUT`; `ABORTED`. None of the
 *   descriptors then stays open.
 */
export function receiveObjects(
  packets: SocketPackets,
  count: number,
  url: URL,
  { signal, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT }: ChannelOptions,
): Promise<Objects> {
  packets.mostDescriptors = count
  const context = { operation: 'connect', url }
  return new Promise<Objects>((resolve, reject) => {
    let failure: StraitError | undefined
    const settle = (action: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      packets.events = NO_EVENTS
      action()
    }
    const look = () => {
      const packet = packets.read()
      if (packet === undefined && failure === undefined) return
      settle(() => {
        if (packet === undefined) return reject(failure)
        const descriptors = packets.takeDescriptors(packet)
        if (descriptors.length === count) return resolve({ parameters: packet, descriptors })
        for (const descriptor of descriptors) native().close(descriptor)
        const reason = `the listener passed ${descriptors.length} descriptors, not ${count}`
        reject(new StraitError('CORRUPT', reason, context))
      })
    }
    const fail = (error: StraitError) => settle(() => reject(error))
    const onAbort = () => fail(abortedError('connect', url, signal?.reason))
    const late = `the listener handed over nothing within ${handshakeTimeout} ms`
    const timer = setTimeout(() => fail(new StraitError('TIMEOUT', late, context)), handshakeTimeout)
    signal?.addEventListener('abort', onAbort, { once: true })
    packets.events = {
      ...NO_EVENTS,
      readable: look,
      end: (error) => {
        failure = StraitError.is(error, 'CORRUPT')
          ? error
          : new StraitError('RESET', 'the listener went away', { ...context, cause: error })
      },
    }
    if (signal?.aborted) onAbort()
    else look()
  })
}

/** Hands over what was made for this connection; false when the other end is gone already. Keeps no descriptor. */
export function passObjects(packets: SocketPackets, { parameters, descriptors }: Objects): boolean {
  packets.attachDescriptors(parameters, descriptors)
  return packets.write(new Uint8Array(0), parameters)
}
