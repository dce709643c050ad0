import { getEventListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Channel } from '../src/channel.js'
import { mem } from '../src/mem.js'
import { type Merged, merge } from '../src/merge.js'
import { failure, outcome, type ScriptedLink, scripted, settled, text, utf8 } from './support/link.js'

const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)
beforeAll(() => {
  process.on('unhandledRejection', note)
})
afterAll(async () => {
  await settled()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

const several = (count: number) => Array.from({ length: count }, scripted)
const channelsOf = (ends: { channel: Channel }[]) => ends.map(({ channel }) => channel)

/** `1a`: the second channel said a. */
function spell(channels: Channel[], { channel, message, error }: Merged): string {
  return `${channels.indexOf(channel)}${error === undefined ? text(message) : error.code}`
}

async function take(channels: Channel[], merged: AsyncIterator<Merged>, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    const { done, value } = await merged.next()
    if (done) return [...taken, 'done']
    taken.push(spell(channels, value))
  }
  return taken
}

describe('merge', () => {
  it('hands out what comes, with the channel that it came from, until all have ended', async () => {
    const pairs = await Promise.all([mem.pair(), mem.pair(), mem.pair()])
    const here = pairs.map(([channel]) => channel)
    const sending = pairs.map(async ([, there], index) => {
      for (let count = 0; count < 100; count++) await there.send(utf8(String(count)))
      if (index > 0) await there.close()
      else there.abort()
    })
    const counts = [0, 0, 0]
    const errors: unknown[] = []
    for await (const { channel, message, error } of merge(here)) {
      const index = here.indexOf(channel)
      if (error !== undefined) errors.push([index, error.code])
      else expect(text(message)).toBe(String(counts[index]!++))
    }
    await Promise.all(sending)
    // The aborted one dropped what had not been read.
    expect(counts.slice(1)).toEqual([100, 100])
    expect(errors).toEqual([[0, 'ERR_STRAIT_RESET']])
  })

  it('of no channels is done at once, and one given twice is one', async () => {
    expect(await merge([]).next()).toEqual({ done: true, value: undefined })
    const { link, channel } = scripted()
    const merged = merge([channel, channel])
    link.arrive('a')
    expect(await take([channel], merged, 1)).toEqual(['0a'])
    link.finish()
    expect(await take([channel], merged, 1)).toEqual(['done'])
  })

  it('reads nothing before it is asked', async () => {
    const { link, channel } = scripted()
    const readable = vi.spyOn(channel, 'readable')
    merge([channel])
    link.arrive('a', 'b')
    await settled()
    expect(readable).not.toHaveBeenCalled()
    expect(text(channel.tryReceive())).toBe('a')
  })

  it('takes no more than was asked for', async () => {
    const ends = several(2)
    const channels = channelsOf(ends)
    const merged = merge(channels)
    ends[0]!.link.arrive('a', 'b')
    ends[1]!.link.arrive('c', 'd')
    expect(await take(channels, merged, 2)).toEqual(['0a', '1c'])
    await settled()
    expect(channels.map((channel) => text(channel.tryReceive()))).toEqual(['b', 'd'])
  })

  it('serves several that ask at once in their order', async () => {
    const { link, channel } = scripted()
    const merged = merge([channel])
    const asked = [merged.next(), merged.next(), merged.next(), merged.next()]
    link.arrive('a', 'b')
    await settled()
    link.finish()
    const results = await Promise.all(asked)
    expect(results.map(({ value }) => (value === undefined ? 'done' : spell([channel], value)))).toEqual([
      '0a',
      '0b',
      'done',
      'done',
    ])
  })
})

describe('fairness', () => {
  it('everybody who is ready comes before the same one again', async () => {
    const ends = several(4)
    const channels = channelsOf(ends)
    ends[0]!.link.arrive('a', 'b', 'c', 'd')
    ends[2]!.link.arrive('a', 'b')
    ends[3]!.link.arrive('a')
    expect(await take(channels, merge(channels), 7)).toEqual(['0a', '2a', '3a', '0b', '2b', '0c', '0d'])
  })

  it('a channel that never falls silent does not keep another waiting for more than one message', async () => {
    const [busy, quiet] = several(2) as [ReturnType<typeof scripted>, ReturnType<typeof scripted>]
    const channels = [busy.channel, quiet.channel]
    busy.link.arrive(...Array.from({ length: 2000 }, () => 'x'))
    const merged = merge(channels)
    for (let round = 0; round < 100; round++) {
      await take(channels, merged, 7)
      quiet.link.arrive('!')
      expect(await take(channels, merged, 2)).toContain('1!')
    }
  })

  it('a peer in the same turn of the event loop does not keep the loop from turning', async () => {
    const [here, there] = await mem.pair()
    let flooding = true
    let turns = 0
    const flood = (async () => {
      while (flooding) await there.send(utf8('x'))
    })()
    const turn = () => {
      turns++
      if (flooding) setImmediate(turn)
    }
    setImmediate(turn)
    for await (const _ of merge([here])) if (turns > 20) break
    flooding = false
    while (here.tryReceive() !== undefined);
    await flood
    here.abort()
  })
})

describe('a thousand quiet channels', () => {
  it('are asked once each, however much a busy one has to say', async () => {
    const quiet = several(1000)
    const busy = scripted()
    const channels = [...channelsOf(quiet), busy.channel]
    const quietCalls = quiet.flatMap(({ channel }) => [
      vi.spyOn(channel, 'readable'),
      vi.spyOn(channel, 'tryReceive'),
      vi.spyOn(channel, 'receive'),
    ])
    const busyCalls = vi.spyOn(busy.channel, 'readable')
    const merged = merge(channels)
    for (let round = 0; round < 50; round++) {
      busy.link.arrive(...Array.from({ length: 20 }, () => 'x'))
      await take(channels, merged, 20)
    }
    const calls = quietCalls.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
    expect(calls).toBe(1000)
    expect(busyCalls.mock.calls.length).toBeLessThanOrEqual(1001)
    await merged.return!()
  })

  it('hold one wait each, and none after the end', async () => {
    const warnings: unknown[] = []
    const warn = (warning: unknown) => warnings.push(warning)
    process.on('warning', warn)
    const ends = several(1000)
    const controller = new AbortController()
    const waits: AbortSignal[] = []
    for (const { channel } of ends) {
      const readable = channel.readable.bind(channel)
      vi.spyOn(channel, 'readable').mockImplementation((options) => {
        waits.push(options!.signal!)
        return readable(options)
      })
    }
    const merged = merge(channelsOf(ends), controller)
    const asked = merged.next()
    await settled()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    expect(waits.map((wait) => getEventListeners(wait, 'abort').length)).toEqual(Array(1000).fill(1))
    await merged.return!()
    expect(await asked).toEqual({ done: true, value: undefined })
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    expect(waits.every((wait) => wait.aborted)).toBe(true)
    // What was taken back can no longer fire: the message waits for whoever receives next.
    for (const { link } of ends) link.arrive('a')
    await settled()
    expect(ends.every(({ channel }) => text(channel.tryReceive()) === 'a')).toBe(true)
    process.off('warning', warn)
    expect(warnings).toEqual([])
  })
})

describe('the end of one channel', () => {
  it('a clean end leaves it out, behind its last message', async () => {
    const ends = several(2)
    const channels = channelsOf(ends)
    const merged = merge(channels)
    ends[0]!.link.arrive('a', 'b')
    ends[0]!.link.finish()
    expect(await take(channels, merged, 2)).toEqual(['0a', '0b'])
    const next = take(channels, merged, 1)
    expect(await outcome(next)).toBe('pending')
    ends[1]!.link.arrive('c')
    expect(await next).toEqual(['1c'])
    ends[1]!.link.finish()
    expect(await take(channels, merged, 1)).toEqual(['done'])
  })

  it('a failure is its last word, once, and the others go on', async () => {
    const ends = several(2)
    const channels = channelsOf(ends)
    const merged = merge(channels)
    const error = failure('RESET')
    ends[0]!.link.arrive('a')
    ends[0]!.link.finish(error)
    expect(await take(channels, merged, 1)).toEqual(['0a'])
    expect(await merged.next()).toEqual({ done: false, value: { channel: channels[0], error } })
    ends[1]!.link.arrive('b', 'c')
    expect(await take(channels, merged, 2)).toEqual(['1b', '1c'])
    await merged.return!()
  })

  it('what this end closes is left out, and what it aborts says so', async () => {
    const ends = several(2)
    const channels = channelsOf(ends)
    const merged = merge(channels)
    const asked = take(channels, merged, 2)
    await settled()
    void channels[0]!.close()
    channels[1]!.abort()
    expect(await asked).toEqual(['1ERR_STRAIT_ABORTED', 'done'])
  })

  it('a message that another receive took is not missed, and the next one comes', async () => {
    const { link, channel } = scripted()
    const merged = merge([channel])
    const asked = merged.next()
    await settled()
    link.arrive('a')
    expect(text(channel.tryReceive())).toBe('a')
    expect(await outcome(asked)).toBe('pending')
    link.arrive('b')
    expect(spell([channel], (await asked).value!)).toBe('0b')
    await merged.return!()
  })
})

describe('leaving loses no message and leaves no trace', () => {
  type Way = [string, (channels: Channel[]) => Promise<void>]
  const ways: Way[] = [
    [
      'break',
      async (channels) => {
        for await (const _ of merge(channels)) break
      },
    ],
    [
      'an exception',
      async (channels) => {
        const loop = async () => {
          for await (const _ of merge(channels)) throw new Error('mine')
        }
        await expect(loop()).rejects.toThrow('mine')
      },
    ],
    [
      'return() while it waits',
      async (channels) => {
        const merged = merge(channels)
        await merged.next()
        await merged.next()
        const waiting = merged.next()
        await merged.return!()
        expect(await waiting).toEqual({ done: true, value: undefined })
        expect(await merged.next()).toEqual({ done: true, value: undefined })
      },
    ],
    [
      'the signal while it waits',
      async (channels) => {
        const controller = new AbortController()
        const reason = new Error('reason')
        const merged = merge(channels, controller)
        await merged.next()
        await merged.next()
        const waiting = merged.next()
        controller.abort(reason)
        const aborted = { name: 'AbortError', code: 'ERR_STRAIT_ABORTED', cause: reason }
        await expect(waiting).rejects.toMatchObject(aborted)
        await expect(merged.next()).rejects.toMatchObject(aborted)
      },
    ],
    [
      'the signal while nobody waits',
      async (channels) => {
        const controller = new AbortController()
        const merged = merge(channels, controller)
        await merged.next()
        controller.abort()
        await expect(merged.next()).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
      },
    ],
    [
      'a signal aborted before',
      async (channels) => {
        await expect(merge(channels, { signal: AbortSignal.abort() }).next()).rejects.toMatchObject({
          code: 'ERR_STRAIT_ABORTED',
        })
      },
    ],
  ]

  it.each(ways)('by %s', async (_, leave) => {
    const ends = several(3)
    const sent = ['a', 'b'].map((message, index) => {
      ends[index]!.link.arrive(message)
      return `${index}${message}`
    })
    const taken: string[] = []
    for (const { channel } of ends) {
      const tryReceive = channel.tryReceive.bind(channel)
      vi.spyOn(channel, 'tryReceive').mockImplementation(() => {
        const message = tryReceive()
        if (message !== undefined) taken.push(spell(channelsOf(ends), { channel, message }))
        return message
      })
    }
    await leave(channelsOf(ends))
    for (const { channel } of ends) channel.tryReceive()
    expect(taken.sort()).toEqual(sent)
    // Nobody waits any more: a receive of our own is the first in line, and a message goes to it.
    const receives = ends.map(({ channel }) => channel.receive())
    for (const { link } of ends as { link: ScriptedLink }[]) link.arrive('later')
    expect((await Promise.all(receives)).map(text)).toEqual(['later', 'later', 'later'])
  })

  it('the next merge goes on where it was left', async () => {
    const ends = several(2)
    const channels = channelsOf(ends)
    for (const { link } of ends) link.arrive('a', 'b', 'c')
    const taken: string[] = []
    while (taken.length < 6) {
      for await (const said of merge(channels)) {
        taken.push(spell(channels, said))
        break
      }
    }
    expect(taken.sort()).toEqual(['0a', '0b', '0c', '1a', '1b', '1c'])
  })
})
