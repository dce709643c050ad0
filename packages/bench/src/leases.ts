import { type Channel, StraitError } from '@strait/core'
import type { Lane } from './lane.js'
import { Responder, writePayload } from './payload.js'

interface Lease {
  readonly bytes: Uint8Array
  release(): void
}

interface Claim {
  readonly bytes: Uint8Array
  commit(): void
  discard(): void
}

/** A channel whose messages can be written and read in place; that of `shm:` is one. */
export interface LeasingChannel extends Channel {
  readonly maxClaimSize: number
  tryClaim(size: number): Claim | undefined
  claim(size: number): Promise<Claim>
  tryReceiveLease(): Lease | undefined
  receiveLease(): Promise<Lease | undefined>
}

export const hasLeases = (channel: Channel): channel is LeasingChannel =>
  'tryClaim' in channel && 'receiveLease' in channel

/**
 * Throws where messages of a size cannot be written in place: `NOT_SUPPORTED`, or the channel's own `TOO_LARGE` with
 * what to do about it.
 */
export function checkLeases(
  channel: Channel,
  url: string,
  payloadBytes: number,
): asserts channel is LeasingChannel {
  if (!hasLeases(channel)) {
    const reason = 'its channels have no claim and receiveLease'
    throw new StraitError('NOT_SUPPORTED', reason, { operation: 'bench', url })
  }
  try {
    channel.tryClaim(payloadBytes)?.discard()
  } catch (cause) {
    if (!StraitError.is(cause, 'TOO_LARGE')) throw cause
    const reason = `${cause.reason}; ?ring=${ringFor(payloadBytes)} makes room for it`
    throw new StraitError('TOO_LARGE', reason, { operation: 'bench', url, cause })
  }
}

/** A message written in place takes half of a ring at most, without 16 bytes; rings are powers of two. */
const ringFor = (payloadBytes: number) => 2 ** Math.ceil(Math.log2(2 * (payloadBytes + 16)))

/** What of a lane is done in place. */
export function leasedLane(channel: LeasingChannel, payloadBytes: number) {
  let held: Lease | undefined

  async function ask(message: Uint8Array): Promise<Uint8Array | undefined> {
    release()
    const claim = channel.tryClaim(message.length) ?? (await channel.claim(message.length))
    fill(claim, (room) => room.set(message))
    held = await channel.receiveLease()
    return held?.bytes
  }

  function release(): void {
    held?.release()
    held = undefined
  }

  function sendInPlace(write: (room: Uint8Array) => void): Promise<unknown> | undefined {
    const claim = channel.tryClaim(payloadBytes)
    if (claim === undefined) return channel.claim(payloadBytes).then((late) => fill(late, write))
    fill(claim, write)
    return undefined
  }

  return { ask, sendInPlace, release } satisfies Partial<Lane> & { release(): void }
}

function fill(claim: Claim, write: (room: Uint8Array) => void): void {
  write(claim.bytes)
  claim.commit()
}

/** As the lane does: beginning with a message that has come. False: the channel has ended before one of `end` bytes. */
export async function answerInPlace(
  channel: LeasingChannel,
  first: Uint8Array,
  end: number,
): Promise<boolean> {
  const responder = new Responder()
  let lease: Lease | undefined = { bytes: first, release() {} }
  while (lease !== undefined && lease.bytes.length !== end) {
    const { length } = lease.bytes
    const byte = responder.read(lease.bytes)
    lease.release()
    if (byte === undefined) {
      lease = channel.tryReceiveLease() ?? (await channel.receiveLease())
    } else {
      const claim = channel.tryClaim(length) ?? (await channel.claim(length))
      fill(claim, (room) => writePayload(room, byte))
      lease = await channel.receiveLease()
    }
  }
  lease?.release()
  return lease !== undefined
}
