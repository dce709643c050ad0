import { greetInPackets, Kind, StraitError } from '@strait/core'
import { describe, expect, it } from 'vitest'
import { descriptors, turns } from '../../core/test/support/leftovers.js'
import { connectControl, listenAt, makeObjects, receiveObjects } from '../src/index.js'
import { failure, fresh, Refusals } from './support/ends.js'

/** A listener that hands over nothing: what its `act` does with the packets instead. */
const refusing = (url: URL, act: Parameters<typeof listenAt>[2]) =>
  listenAt(url, {}, async (packets, peer) => {
    await greetInPackets(packets, 'listen', url, {})
    try {
      return await act(packets, peer)
    } finally {
      packets.destroy()
    }
  })

async function ask(url: URL): Promise<unknown> {
  const { packets } = connectControl(url, {})
  await greetInPackets(packets, 'connect', url, {})
  try {
    return await receiveObjects(packets, 1, url, {})
  } finally {
    packets.destroy()
  }
}

const failing = (error: unknown) => (): never => {
  throw error
}

describe('C10 a listener that cannot make what it should hand over', () => {
  it.each(['NO_RESOURCES', 'NOT_SUPPORTED'] as const)('says so where it is %s, and goes on', async (code) => {
    const before = descriptors()
    const url = fresh()
    const refusals = new Refusals()
    const error = new StraitError(code, 'a limit; `ulimit` shows it', { operation: 'listen', url })
    const listener = await refusing(url, async (packets) => makeObjects(packets, failing(error)))
    for (let times = 1; times < 3; times++) {
      await expect(ask(url)).rejects.toEqual(failure(code, 'the listener says: a limit; `ulimit` shows it'))
      await refusals.count(times)
    }
    expect(refusals.errors).toEqual([error, error])
    refusals.stop()
    await listener.close()
    await turns()
    expect(descriptors()).toEqual(before)
  })

  it('keeps to itself what is nobody else’s affair: the other end is hung up on', async () => {
    const url = fresh()
    const error = new StraitError('PERMISSION', 'of a directory', { operation: 'listen', url })
    const listener = await refusing(url, async (packets) => makeObjects(packets, failing(error)))
    await expect(ask(url)).rejects.toEqual(failure('RESET', 'the other end went away'))
    await listener.close()
  })

  it.each([
    ['nothing', ''],
    ['no code', 'for no reason'],
    ['a code that is not told', 'OWNER_DIED of something'],
    ['more than is believed', `NO_RESOURCES ${'x'.repeat(2000)}`],
  ])('and gives as its reason %s, is CORRUPT', async (_, text) => {
    const url = fresh()
    const listener = await refusing(url, async (packets) => {
      packets.write(Kind.END, new TextEncoder().encode(text))
      throw new Error('refused')
    })
    await expect(ask(url)).rejects.toEqual(failure('CORRUPT', 'refused without a reason'))
    await listener.close()
  })

  it('has its reason told in one line, whatever is in it', async () => {
    const url = fresh()
    const listener = await refusing(url, async (packets) => {
      packets.write(Kind.END, Uint8Array.of(...Buffer.from('NO_RESOURCES a\nb\x1b[2J'), 0xff))
      throw new Error('refused')
    })
    const error = (await ask(url).catch((reason: unknown) => reason)) as StraitError
    expect(error).toEqual(failure('NO_RESOURCES'))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
    expect(error.message).not.toMatch(/[\x00-\x1f]/)
    await listener.close()
  })
})
