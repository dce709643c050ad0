import { readdirSync, readFileSync } from 'node:fs'
import type { BlockingChannel } from '@strait/core'
import { afterEach, beforeEach, expect } from 'vitest'
import { descriptors, turns } from '../../../core/test/support/leftovers.js'
import { sem } from '../../src/index.js'

let count = 0

/** An address that nobody uses. */
export const fresh = (): URL => new URL(`sem:test-${process.pid}-${count++}`)

export const threads = (): number => readdirSync('/proc/self/task').length

const mapped = () =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('/memfd:strait')).length

const snapshot = () => ({ descriptors: descriptors(), threads: threads(), mapped: mapped() })
let before: ReturnType<typeof snapshot>

/** What descriptors this process has more than before the test. */
export const opened = (): string[] =>
  descriptors()
    .filter((each) => !before.descriptors.includes(each))
    .map((each) => each.slice(each.indexOf(' ') + 1))

/** How many threads this process has more than before the test. */
export const started = (): number => threads() - before.threads

/** Around every test: no descriptor, no thread and no memory more than before. */
export function nothingIsLeft(): void {
  beforeEach(() => {
    before = snapshot()
  })
  afterEach(async () => {
    await turns(10)
    expect(snapshot()).toEqual(before)
  })
}

/** Both ends of a channel; `accepted` puts into the first direction. */
export async function pair(): Promise<{ accepted: BlockingChannel; connected: BlockingChannel }> {
  const url = fresh()
  const listener = await sem.listen(url)
  const connected = await sem.connect(url)
  const accepted = (await listener.accept())!
  await listener.close()
  return { accepted, connected }
}

/** How many such messages are taken at once. */
export function fill(channel: BlockingChannel, message: Uint8Array): number {
  let taken = 0
  while (channel.trySend(message)) taken++
  return taken
}
