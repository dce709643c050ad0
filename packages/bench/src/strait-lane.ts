import { type Channel, StraitError, type SyncChannel } from '@strait/core'
import { loadTransport, type SpawnedPeer, schemeOf, spawnPeer } from 'strait'
import type { Lane, SyncLane } from './lane.js'
import { answerInPlace, checkLeases, type LeasingChannel, leasedLane } from './leases.js'
import { Responder } from './payload.js'
import { ownTid } from './placement.js'
import { type SelfReport, SelfWatch } from './self-report.js'

/** What a peer is told before anything else. */
interface Order {
  readonly payloadBytes: number
  readonly sync: boolean
  readonly leased: boolean
}

/** Room for orders and reports: thousands of collections. */
const REPORT_BYTES = 1024 * 1024

export interface LaneOptions {
  /** Both ends block their threads. Default: false. */
  sync?: boolean | undefined
  /** Messages are written and read in place. Default: false. */
  leased?: boolean | undefined
}

/**
 * A lane over one of our transports, to a process of its own.
 *
 * - Errors: those of `spawnPeer`; `NOT_SUPPORTED` when it shall block, or write in place, and cannot; `TOO_LARGE` to be
 *   written in place.
 */
export async function straitLane(
  url: string,
  payloadBytes: number,
  { sync = false, leased = false }: LaneOptions = {},
): Promise<Lane> {
  if (sync && !(await canBlock(url))) {
    const reason = 'its channels have no sendSync and receiveSync'
    throw new StraitError('NOT_SUPPORTED', reason, { operation: 'bench', url })
  }
  const entry = new URL('./strait-peer.js', import.meta.url)
  const peer = await spawnPeer(url, entry, { maxMessageSize: Math.max(payloadBytes, REPORT_BYTES) })
  const { channel } = peer
  const tid = fromJson<number>(await channel.receive())
  const inPlace = leased ? await openLeased(peer, url, payloadBytes) : undefined
  await channel.send(toJson({ payloadBytes, sync, leased } satisfies Order))
  return {
    ...peerLane(peer, payloadBytes),
    ...inPlace,
    tid,
    sync: sync ? syncLane(channel as unknown as SyncChannel) : undefined,
    async report() {
      inPlace?.release()
      // Not awaited first: where nothing is in the way it has left when this returns.
      const sent = channel.send(endOf(payloadBytes))
      const report = await channel.receive()
      await sent
      return fromJson(report)
    },
    parks: () => parksOf(channel),
  }
}

/** A lane to a peer that calls {@link answerQuestions}. */
export function peerLane(peer: SpawnedPeer, payloadBytes: number): Lane {
  const { channel } = peer
  async function askWhenFull(message: Uint8Array): Promise<Uint8Array | undefined> {
    await channel.send(message)
    return channel.receive()
  }
  return {
    name: channel.url.protocol,
    payloadBytes,
    pid: peer.process?.pid,
    ask: (message) => (channel.trySend(message) ? channel.receive() : askWhenFull(message)),
    send: (message) => (channel.trySend(message) ? undefined : channel.send(message)),
    receive: () => channel.tryReceive() ?? channel.receive(),
    async close() {
      await peer.close()
    },
  }
}

/** A peer whose messages cannot be written in place is closed. */
async function openLeased(peer: SpawnedPeer, url: string, payloadBytes: number) {
  try {
    checkLeases(peer.channel, url, payloadBytes)
    return leasedLane(peer.channel, payloadBytes)
  } catch (error) {
    await peer.close()
    throw error
  }
}

/** Whether the channels of an address have `claim` and `receiveLease`. Only a channel tells, so one is opened. */
export async function canLease(url: string): Promise<boolean> {
  try {
    const lane = await straitLane(url, 0, { leased: true })
    await lane.close()
    return true
  } catch (error) {
    if (StraitError.is(error, 'NOT_SUPPORTED')) return false
    throw error
  }
}

/** Whether the channels of an address have `sendSync` and `receiveSync`. */
export async function canBlock(url: string): Promise<boolean> {
  return (await loadTransport(schemeOf(url, 'bench'))).capabilities.sync
}

function syncLane(channel: SyncChannel): SyncLane {
  return {
    ask(message) {
      channel.sendSync(message)
      return channel.receiveSync()
    },
    send: (message) => channel.sendSync(message),
  }
}

/** The other end of {@link straitLane}, in its process: answers, and reports when a stretch has ended. */
export async function serveLane(channel: Channel): Promise<void> {
  await channel.send(toJson(ownTid()))
  const order = await channel.receive()
  // Our end has found that it cannot do what it should.
  if (order === undefined) return
  const { payloadBytes, sync, leased } = fromJson<Order>(order)
  const end = endOf(payloadBytes).length
  const watch = new SelfWatch(() => parksOf(channel))
  for (;;) {
    const first = await channel.receive()
    if (first === undefined) break
    watch.begin()
    const ended = sync
      ? answerSync(channel as SyncChannel, first, end)
      : leased
        ? await answerInPlace(channel as LeasingChannel, first, end)
        : await answerUntil(channel, first, end)
    if (!ended) break
    await channel.send(toJson((await watch.report()) satisfies SelfReport))
  }
  watch.close()
}

/** Reads every message and answers questions, until an empty message or the end; for payloads that are not empty. */
export async function answerQuestions(channel: Channel): Promise<void> {
  await answerUntil(channel, await channel.receive(), 0)
}

/** What ends a stretch: a message of a size that nothing else has. */
const endOf = (payloadBytes: number) => new Uint8Array(payloadBytes === 0 ? 2 : 0)

/** Beginning with a message that has come. False: the channel has ended before a message of `end` bytes. */
async function answerUntil(channel: Channel, first: Uint8Array | undefined, end: number): Promise<boolean> {
  const responder = new Responder()
  let message = first
  while (message !== undefined && message.length !== end) {
    const answer = responder.answer(message)
    if (answer === undefined) {
      message = channel.tryReceive() ?? (await channel.receive())
    } else {
      channel.trySend(answer) || (await channel.send(answer))
      message = await channel.receive()
    }
  }
  return message !== undefined
}

function answerSync(channel: SyncChannel, first: Uint8Array, end: number): boolean {
  const responder = new Responder()
  let message: Uint8Array | undefined = first
  while (message !== undefined && message.length !== end) {
    const answer = responder.answer(message)
    if (answer !== undefined) channel.sendSync(answer)
    message = channel.receiveSync()
  }
  return message !== undefined
}

/** Where a channel counts how often it parks. */
const parksOf = (channel: Channel): number | undefined =>
  (channel as { stats?(): { readonly parks?: number } }).stats?.().parks

const toJson = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

function fromJson<T>(message: Uint8Array | undefined): T {
  if (message === undefined) throw new Error('the peer has closed the channel')
  return JSON.parse(new TextDecoder().decode(message))
}
