import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect } from 'vitest'
import { descriptors, turns } from '../../../core/test/support/leftovers.js'
import { type ShmChannel, type ShmConnectOptions, shm } from '../../src/index.js'

let count = 0

/** An address that nobody uses. */
export const fresh = (query = ''): URL => new URL(`shm:test-${process.pid}-${count++}${query}`)

export const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString()
export const utf8 = (words: string): Uint8Array => new Uint8Array(Buffer.from(words))

let before: string[]
let mapped: number
const channels: ShmChannel[] = []

/** Both ends of a channel, here; aborted after the test. The listener's is the first. */
export async function two(query = '', options: ShmConnectOptions = {}): Promise<[ShmChannel, ShmChannel]> {
  const url = fresh(query)
  const listener = await shm.listen(url, options)
  const connected = await shm.connect(url, options)
  const accepted = (await listener.accept())!
  await listener.close()
  channels.push(connected, accepted)
  return [accepted, connected]
}

/** How many mappings of memory without a name this process has. */
const mappings = () => (readFileSync('/proc/self/maps', 'utf8').match(/memfd:/g) ?? []).length

/** Around every test: what channels have used is given back. */
export function nothingIsLeft(): void {
  beforeEach(() => {
    before = descriptors()
    mapped = mappings()
  })
  afterEach(async () => {
    for (const channel of channels.splice(0)) channel.abort()
    await turns(10)
    expect(descriptors().filter((each) => !before.includes(each))).toEqual([])
    expect(mappings()).toBe(mapped)
  })
}

/** Turns of the event loop until it is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turns(1)
}

/** Sends until the ring takes no more; how many it has taken. */
export function fill(channel: ShmChannel, message: Uint8Array): number {
  let taken = 0
  while (channel.trySend(message)) taken++
  return taken
}

/** `pending`, where a promise is not settled after many turns of the event loop. */
export async function settledOr(promise: Promise<unknown>, pending = 'pending'): Promise<unknown> {
  const late = turns(20).then(() => pending)
  return Promise.race([promise, late])
}
