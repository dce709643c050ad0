import { describe, expect, it } from 'vitest'
import { BlockingChannel, isSync } from '../src/blocking-channel.js'
import type { StraitError } from '../src/error.js'
import { mem } from '../src/mem.js'
import { failure, outcome, ScriptedLink, scripted, settled, text, utf8 } from './support/link.js'

/** A link for which a thread can block: what happens meanwhile, the test says. */
class WaitingLink extends ScriptedLink {
  readonly waits: { reading: boolean; ms: number }[] = []
  /** What happens while the thread is blocked, one a wait. When nothing is left, the thread would block for ever. */
  readonly meanwhile: (() => void)[] = []

  wait(reading: boolean, ms: number): void {
    this.waits.push({ reading, ms })
    const happening = this.meanwhile.shift()
    if (happening === undefined) throw new Error('blocked for ever')
    happening()
  }
}

function blocking(): { link: WaitingLink; channel: BlockingChannel } {
  const link = new WaitingLink()
  const capabilities = { ...mem.capabilities, sync: true }
  return { link, channel: new BlockingChannel(link, { url: new URL('mem:test'), capabilities }) }
}

const nothing = () => {}

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}

const codeOf = (call: () => unknown) => (thrown(call) as StraitError).code

const later = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(nothing)
  return promise
}

describe('receiveSync', () => {
  it('takes what is there without blocking', () => {
    const { link, channel } = blocking()
    link.arrive('a', 'b')
    expect([channel.receiveSync(), channel.receiveSync()].map(text)).toEqual(['a', 'b'])
    expect(link.waits).toEqual([])
  })

  it('blocks for input until a message comes, and never long at a time', () => {
    const { link, channel } = blocking()
    link.meanwhile.push(nothing, nothing, () => link.arrive('a'))
    expect(text(channel.receiveSync())).toBe('a')
    expect(link.waits).toEqual([1, 2, 3].map(() => ({ reading: true, ms: 50 })))
  })

  it('blocks no longer than its time allows, and has then taken nothing', () => {
    const { link, channel } = blocking()
    expect(codeOf(() => channel.receiveSync({ timeout: 0 }))).toBe('ERR_STRAIT_TIMEOUT')
    expect(link.waits).toEqual([])
    link.meanwhile.push(
      ...Array(1000).fill(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)),
    )
    expect(codeOf(() => channel.receiveSync({ timeout: 20 }))).toBe('ERR_STRAIT_TIMEOUT')
    for (const { ms } of link.waits) expect(ms).toBeLessThanOrEqual(20)
    link.arrive('a')
    expect(text(channel.receiveSync())).toBe('a')
  })

  it('goes behind receives that wait, also when all come at once', async () => {
    const { link, channel } = blocking()
    const waiting = [channel.receive(), channel.receive()]
    link.meanwhile.push(
      () => link.arrive('a'),
      () => link.arrive('b', 'c'),
    )
    expect(text(channel.receiveSync())).toBe('c')
    expect(await Promise.all(waiting.map(outcome))).toEqual(['a', 'b'])
  })

  it('does not block when what it waits for came while receives before it were served', async () => {
    const { link, channel } = blocking()
    // More than several turns may hand over: messages lie there although receives wait.
    const messages = Array.from({ length: 1000 }, (_, index) => String(index))
    const waiting = messages.map(() => channel.receive())
    link.arrive(...messages, 'last')
    expect(text(channel.receiveSync())).toBe('last')
    expect(link.waits).toEqual([])
    expect(await Promise.all(waiting.map(outcome))).toEqual(messages)
  })

  it('returns undefined for ever when the peer ends cleanly meanwhile', async () => {
    const { link, channel } = blocking()
    link.meanwhile.push(() => {
      link.arrive('a')
      link.finish()
    })
    expect(text(channel.receiveSync())).toBe('a')
    expect(channel.receiveSync()).toBeUndefined()
    expect(channel.receiveSync({ timeout: 0 })).toBeUndefined()
    expect(link.shutdowns).toBe(1)
    expect(await channel.closed).toEqual({ by: 'peer' })
  })

  it('throws the one failure of the channel, behind what had come', async () => {
    const { link, channel } = blocking()
    const error = failure('RESET')
    link.meanwhile.push(() => {
      link.arrive('a')
      link.finish(error)
    })
    expect(text(channel.receiveSync())).toBe('a')
    expect(thrown(() => channel.receiveSync())).toBe(error)
    expect(thrown(() => channel.receiveSync({ timeout: 0 }))).toBe(error)
    expect(await channel.closed).toEqual({ by: 'peer', error })
  })

  it('does not wait for an explanation, which would need the event loop', async () => {
    const { link, channel } = blocking()
    const error = failure('RESET')
    channel.explainFailure(async () => failure('TRUNCATED'))
    link.meanwhile.push(() => link.finish(error))
    const waiting = later(channel.receive())
    expect(thrown(() => channel.receiveSync())).toBe(error)
    expect(await outcome(waiting)).toBe(error)
    await settled()
    expect(await channel.closed).toEqual({ by: 'peer', error })
  })
})

describe('sendSync', () => {
  it('returns without blocking when the message has left', () => {
    const { link, channel } = blocking()
    channel.sendSync(utf8('a'))
    expect(link.written).toEqual(['a'])
    expect(link.waits).toEqual([])
  })

  it('blocks until there is room, and then until the message has left', () => {
    const { link, channel } = blocking()
    link.room = 0
    link.slow = true
    link.meanwhile.push(
      nothing,
      () => link.open(1),
      () => expect(link.written).toEqual(['a']),
      () => link.left(1),
    )
    channel.sendSync(utf8('a'))
    expect(link.meanwhile).toEqual([])
    expect(link.waits.map(({ reading }) => reading)).toEqual([false, false, false, false])
  })

  it('goes behind sends that wait, and settles them later', async () => {
    const { link, channel } = blocking()
    link.room = 0
    const waiting = [channel.send(utf8('a')), channel.send(utf8('b'))]
    link.meanwhile.push(
      () => link.open(2),
      () => link.open(1),
    )
    channel.sendSync(utf8('c'))
    expect(link.written).toEqual(['a', 'b', 'c'])
    expect(await Promise.all(waiting.map(outcome))).toEqual([undefined, undefined])
  })

  it('is TIMEOUT when there is no room in time, and has sent nothing', () => {
    const { link, channel } = blocking()
    link.room = 0
    expect(codeOf(() => channel.sendSync(utf8('a'), { timeout: 0 }))).toBe('ERR_STRAIT_TIMEOUT')
    link.open(1)
    expect(link.written).toEqual([])
    expect(channel.state).toBe('open')
  })

  it('lets a message go on leaving whose time is over once the mechanism has taken it', () => {
    const { link, channel } = blocking()
    link.slow = true
    const pause = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    link.meanwhile.push(pause, pause, () => link.left(1))
    channel.sendSync(utf8('a'), { timeout: 1 })
    expect(link.meanwhile).toEqual([])
  })

  it.each([
    ['waits for room', 0],
    ['is leaving', 1],
  ])('throws the failure that comes while its message %s', (_, room) => {
    const { link, channel } = blocking()
    const error = failure('RESET')
    link.room = room
    link.slow = true
    link.meanwhile.push(nothing, () => link.events.fail(error))
    expect(thrown(() => channel.sendSync(utf8('a')))).toBe(error)
    expect(thrown(() => channel.sendSync(utf8('b')))).toBe(error)
  })

  it('is CLOSED when the peer ends cleanly meanwhile', () => {
    const { link, channel } = blocking()
    link.room = 0
    link.meanwhile.push(() => link.finish())
    expect(codeOf(() => channel.sendSync(utf8('a')))).toBe('ERR_STRAIT_CLOSED')
  })

  it('does not wait for an explanation, which would need the event loop', () => {
    const { link, channel } = blocking()
    const error = failure('RESET')
    channel.explainFailure(async () => failure('TRUNCATED'))
    link.room = 0
    link.meanwhile.push(() => link.events.fail(error))
    expect(thrown(() => channel.sendSync(utf8('a')))).toBe(error)
  })
})

describe('both', () => {
  it.each([-1, Number.NaN])('refuse a time of %s ms, and have no effect', (timeout) => {
    const { link, channel } = blocking()
    link.arrive('a')
    expect(() => channel.sendSync(utf8('b'), { timeout })).toThrow(RangeError)
    expect(() => channel.receiveSync({ timeout })).toThrow(RangeError)
    expect(link.written).toEqual([])
    expect(text(channel.receiveSync())).toBe('a')
  })

  it('are over at once after close and after abort', async () => {
    const one = blocking()
    void one.channel.close()
    expect(one.channel.receiveSync()).toBeUndefined()
    expect(codeOf(() => one.channel.sendSync(utf8('a')))).toBe('ERR_STRAIT_CLOSED')
    const other = blocking()
    other.channel.abort()
    expect(codeOf(() => other.channel.receiveSync())).toBe('ERR_STRAIT_ABORTED')
    expect(codeOf(() => other.channel.sendSync(utf8('a')))).toBe('ERR_STRAIT_ABORTED')
  })

  it('are known by `isSync`', () => {
    expect(isSync(blocking().channel)).toBe(true)
    expect(isSync(scripted().channel)).toBe(false)
  })
})
