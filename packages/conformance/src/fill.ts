import assert from 'node:assert/strict'
import type { BaseChannel } from '@strait/core'
import { later } from './clauses/helpers.js'
import { pattern } from './pattern.js'

/** What no mechanism buffers for a peer that does not read. Beyond it a sender is not bounded. */
const MOST_BYTES = 64 * 1024 * 1024
const MOST_MESSAGES = 2_000_000

/** Sends messages `first` … of one size until the channel is full, or has taken `most`. Returns how many it took. */
export function fill(
  channel: BaseChannel,
  first: number,
  size: number,
  most = Number.POSITIVE_INFINITY,
): number {
  let count = 0
  while (count < most && channel.trySend(pattern(first + count, size))) {
    count++
    const bounded = count * size < MOST_BYTES && count < MOST_MESSAGES
    assert.ok(bounded, `C4 ${count} messages of ${size} bytes were taken although nobody reads`)
  }
  return count
}

/** More than a peer ever takes that reads nothing but looks ahead, in bytes. */
const AHEAD = 256 * 1024

/**
 * Fills the channel and leaves so many sends behind it that the last one waits for certain: a peer that runs elsewhere
 * makes room when it looks ahead. `count` is how many messages there are in all.
 */
export function overfill(
  channel: BaseChannel,
  first: number,
  size: number,
): { count: number; sends: Promise<void>[]; last: Promise<void> } {
  const taken = fill(channel, first, size)
  const sends = Array.from({ length: Math.ceil(AHEAD / size) }, (_, index) =>
    later(channel.send(pattern(first + taken + index, size))),
  )
  return { count: taken + sends.length, sends, last: sends.at(-1)! }
}
