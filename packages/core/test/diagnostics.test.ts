import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Channel, CloseInfo } from '../src/channel.js'
import { mem } from '../src/mem.js'
import '../src/node/index.js'

const opened: Channel[] = []
const closed: { channel: Channel; info: CloseInfo }[] = []
const onOpen = (message: unknown) => void opened.push((message as { channel: Channel }).channel)
const onClose = (message: unknown) => void closed.push(message as { channel: Channel; info: CloseInfo })

describe('node:diagnostics_channel', () => {
  beforeEach(() => {
    opened.length = 0
    closed.length = 0
    subscribe('strait:channel:open', onOpen)
    subscribe('strait:channel:close', onClose)
  })
  afterEach(() => {
    unsubscribe('strait:channel:open', onOpen)
    unsubscribe('strait:channel:close', onClose)
  })

  it('tells of every channel that opens, and once that it closed and how', async () => {
    const [a, b] = await mem.pair()
    expect(opened).toEqual([a, b])
    await Promise.all([a.close(), b.close()])
    expect(closed.map(({ channel }) => channel)).toEqual(expect.arrayContaining([a, b]))
    expect(closed).toHaveLength(2)
    for (const { info } of closed) expect(info.error).toBeUndefined()
    a.abort()
    expect(closed).toHaveLength(2)
  })

  it('tells why a channel ended uncleanly', async () => {
    const [a, b] = await mem.pair()
    a.abort()
    await b.closed
    expect(closed.find(({ channel }) => channel === a)?.info.error?.code).toBe('ERR_STRAIT_ABORTED')
    expect(closed.find(({ channel }) => channel === b)?.info).toMatchObject({
      by: 'peer',
      error: { code: 'ERR_STRAIT_RESET' },
    })
  })
})
