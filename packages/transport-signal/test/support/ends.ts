import type { BlockingChannel, ChannelOptions } from '@strait/core'
import { afterEach, beforeEach, expect } from 'vitest'
import { descriptors, turns } from '../../../core/test/support/leftovers.js'
import { signal } from '../../src/index.js'

let count = 0

/** An address that nobody uses. */
export const fresh = (): URL => new URL(`signal:test-${process.pid}-${count++}`)

export const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString()
export const utf8 = (words: string): Uint8Array => new Uint8Array(Buffer.from(words))

let before: string[]
const channels: { abort(): void }[] = []

/** Both ends of a channel, here; aborted after the test. The listener's is the first. */
export async function two(options: ChannelOptions = {}): Promise<[BlockingChannel, BlockingChannel]> {
  const url = fresh()
  const listener = await signal.listen(url, options)
  const connected = await signal.connect(url, options)
  const accepted = keep((await listener.accept())!)
  await listener.close()
  return [accepted, keep(connected)]
}

/** Aborts it after the test. */
export function keep<T extends { abort(): void }>(channel: T): T {
  channels.push(channel)
  return channel
}

/** Around every test: what channels have used is given back. */
export function nothingIsLeft(): void {
  beforeEach(() => {
    before = descriptors()
  })
  afterEach(async () => {
    for (const channel of channels.splice(0)) channel.abort()
    await turns(10)
    expect(descriptors().filter((each) => !before.includes(each))).toEqual([])
  })
}
