import assert from 'node:assert/strict'
import type { BaseChannel } from '@strait/core'
import { pattern } from './pattern.js'

/** What no mechanism buffers for a peer that does not read. Beyond it a sender is not bounded. */
const MOST_BYTES = 64 * 1024 * 1024
const MOST_MESSAGES = 2_000_000

/** Sends messages `first` … of one size until the channel is full. Returns how many it took. */
export function fill(channel: BaseChannel, first: number, size: number): number {
  let count = 0
  while (channel.trySend(pattern(first + count, size))) {
    count++
    const bounded = count * size < MOST_BYTES && count < MOST_MESSAGES
    assert.ok(bounded, `C4 ${count} messages of ${size} bytes were taken although nobody reads`)
  }
  return count
}
