import {
  abortedError,
  type ChannelOptions,
  DEFAULT_HANDSHAKE_TIMEOUT,
  type ErrorCode,
  Kind,
  NO_EVENTS,
  type PeerInfo,
  type Role,
  StraitError,
} from '@strait/core'
import { openSocketPath } from '@strait/core/node'
import { check, type Meanings, native, peerCredentials } from '@strait/posix'
import { placeOf } from './address.js'
import { SocketPackets } from './socket-packets.js'

export interface MeetOptions extends ChannelOptions {
  /** The user whose listener may be trusted besides one's own and root's. */
  owner?: number | undefined
  /** What the query may have besides `at`: parameters that are the transport's to read. */
  parameters?: readonly string[] | undefined
}

const NONE = new Uint8Array(0)

/** A control socket, before anything was said, and who is there on the kernel's word. */
export interface Control {
  readonly packets: SocketPackets
  readonly peer: PeerInfo
}

const CONNECTING: Meanings = { EPROTOTYPE: ['ADDRESS_INVALID', 'a socket of another type stands there'] }

/** This process's user; the kernel knows the effective one. */
export const ownUid = (): number => process.geteuid!()

/**
 * Connects to whoever listens at the meeting place, and makes sure whose process that is. Nothing is waited for: the
 * kernel connects or refuses at once.
 *
 * - Errors: `REFUSED` nobody is there, or the kernel's queue is full; `PERMISSION` somebody else's; `ADDRESS_INVALID`.
 */
export function connectControl(url: URL, options: MeetOptions): Control {
  const place = placeOf(url, 'connect', options.owner ?? ownUid(), options.parameters)
  const system = native('connect')
  const descriptor = check(system.socket(system.SOCK_SEQPACKET), 'connect', url.href)
  let peer: PeerInfo
  try {
    if (place.kind === 'abstract') {
      check(system.connect(descriptor, place.address), 'connect', url.href)
    } else {
      const file = openSocketPath(place.path, url, options.owner)
      const result = system.connect(descriptor, new TextEncoder().encode(file.path))
      file.close()
      check(result, 'connect', url.href, CONNECTING)
    }
    peer = peerCredentials(descriptor, url.href)!
    const refusal = refusalOf(peer.uid!, options.owner)
    if (refusal !== undefined) throw new StraitError('PERMISSION', refusal, { operation: 'connect', url })
  } catch (error) {
    system.close(descriptor)
    throw error
  }
  return { packets: new SocketPackets(descriptor, url), peer }
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

/** What a listener says of why it hands over nothing; anything else is its own affair. */
const TOLD: readonly ErrorCode[] = ['NO_RESOURCES', 'NOT_SUPPORTED']

/** The longest such reason that is believed. */
const LONGEST_REASON = 1024

/**
 * Makes what a connection needs. Where this end cannot, for a limit of the system, the other end is told why: it would
 * otherwise see nothing but that it was hung up on.
 *
 * - Errors: those of `make`.
 */
export function makeObjects<T>(packets: SocketPackets, make: () => T): T {
  try {
    return make()
  } catch (error) {
    const code = TOLD.find((each) => StraitError.is(error, each))
    if (code !== undefined)
      packets.write(Kind.END, new TextEncoder().encode(`${code} ${(error as StraitError).reason}`))
    throw error
  }
}

/** Why a listener hands over nothing, in its words. */
function refusalIn(payload: Uint8Array, context: { operation: string; url: URL }): StraitError {
  const text = payload.length > LONGEST_REASON ? '' : new TextDecoder().decode(payload)
  const code = TOLD.find((each) => text.startsWith(`${each} `))
  if (code === undefined) return new StraitError('CORRUPT', 'the listener refused without a reason', context)
  return new StraitError(code, `the listener says: ${text.slice(code.length + 1)}`, context)
}

/**
 * Hands over what was made for this connection, and waits until the other end has it open: from then on it misses
 * nothing, even if this end goes away. Keeps no descriptor. Returns the other end's parameters.
 *
 * - Errors: `RESET` the other end is gone; `CORRUPT`; `TIMEOUT`.
 */
export async function passObjects(
  packets: SocketPackets,
  { parameters, descriptors }: Objects,
  url: URL,
  options: ChannelOptions,
): Promise<Uint8Array> {
  if (descriptors.length > 0) packets.attachDescriptors(parameters, descriptors)
  packets.write(Kind.DATA, parameters)
  return nextPacket(packets, 0, 'listen', url, options)
}

/**
 * Waits for what the listener made for this connection. The descriptors are the caller's, who confirms when he has them
 * open.
 *
 * - Errors: `CORRUPT` not exactly `count` descriptors; `NO_RESOURCES`, `NOT_SUPPORTED` the listener can make nothing, in
 *   its words; `RESET` it is gone; `TIMEOUT`; `ABORTED`. None of the descriptors then stays open.
 */
export async function receiveObjects(
  packets: SocketPackets,
  count: number,
  url: URL,
  options: ChannelOptions,
): Promise<Objects> {
  const parameters = await nextPacket(packets, count, 'connect', url, options)
  const descriptors = packets.takeDescriptors(parameters)
  if (descriptors.length === count) return { parameters, descriptors }
  for (const descriptor of descriptors) native().close(descriptor)
  const reason = `the listener passed ${descriptors.length} descriptors, not ${count}`
  throw new StraitError('CORRUPT', reason, { operation: 'connect', url })
}

/** Tells the listener that what it handed over is open here, and where wanted parameters of this end's own. */
export function confirmObjects(packets: SocketPackets, parameters: Uint8Array = NONE): void {
  packets.write(Kind.DATA, parameters)
}

/** The payload of the next packet, which may bring so many descriptors. */
function nextPacket(
  packets: SocketPackets,
  mostDescriptors: number,
  role: Role,
  url: URL,
  { signal, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT }: ChannelOptions,
): Promise<Uint8Array> {
  packets.mostDescriptors = mostDescriptors
  const context = { operation: role, url }
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      packets.events = NO_EVENTS
      act()
    }
    const fail = (error: StraitError) => settle(() => reject(error))
    const look = () => {
      const payload = packets.read()
      if (payload === undefined) return
      if (packets.kind === Kind.DATA) settle(() => resolve(payload))
      else if (packets.kind === Kind.END && role === 'connect') fail(refusalIn(payload, context))
      else fail(new StraitError('CORRUPT', `the other end sent a packet of kind ${packets.kind}`, context))
    }
    const late = `the other end was silent for ${handshakeTimeout} ms`
    const timer = setTimeout(() => fail(new StraitError('TIMEOUT', late, context)), handshakeTimeout)
    const onAbort = () => fail(abortedError(role, url, signal?.reason))
    signal?.addEventListener('abort', onAbort, { once: true })
    packets.events = {
      ...NO_EVENTS,
      readable: look,
      end: (cause) => {
        const hungUp = cause === undefined || StraitError.is(cause, 'RESET')
        fail(hungUp ? new StraitError('RESET', 'the other end went away', { ...context, cause }) : cause)
      },
    }
    if (signal?.aborted) onAbort()
    else look()
  })
}
