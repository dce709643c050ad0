import { describe, expect, it } from 'vitest'
import { outcome, scripted, utf8 } from './support/link.js'

describe('C5 flushed', () => {
  it('has nothing to wait for when nothing is here', () => {
    const { channel } = scripted()
    expect(channel.flushed()).toBeUndefined()
    channel.trySend(utf8('a'))
    expect(channel.flushed()).toBeUndefined()
  })

  it('resolves when all that was taken before has left, and waits for nothing that comes later', async () => {
    const { link, channel } = scripted()
    link.slow = true
    channel.trySend(utf8('a'))
    channel.trySend(utf8('b'))
    const flushed = channel.flushed()!
    channel.trySend(utf8('c'))
    link.left(1)
    expect(await outcome(flushed)).toBe('pending')
    link.left(1)
    await flushed
    expect(channel.flushed()).toBeDefined()
    link.left(1)
    expect(channel.flushed()).toBeUndefined()
  })

  it('fails with the channel, also when that had failed before', async () => {
    const { link, channel } = scripted()
    link.slow = true
    channel.trySend(utf8('a'))
    const flushed = channel.flushed()
    channel.abort()
    await expect(flushed).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    await expect(channel.flushed()).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
  })
})
