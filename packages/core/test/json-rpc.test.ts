import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JsonRpcMessage, toJsonRpc } from '../src/json-rpc.js'
import { mem } from '../src/mem.js'
import { failure, outcome, scripted, settled, text } from './support/link.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const message = (id: number) => ({ jsonrpc: '2.0', id })
const wire = (id: number) => JSON.stringify(message(id))

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

/** A connection over a scripted link, and everything it says, in order. */
function connection() {
  const { link, channel } = scripted()
  const { reader, writer } = toJsonRpc(channel)
  const said: unknown[] = []
  reader.onError((error) => said.push(['read error', error]))
  reader.onClose(() => said.push('reader closed'))
  writer.onError(([error, about, count]) => said.push(['write error', error, about, count]))
  writer.onClose(() => said.push('writer closed'))
  const hear = (heard: JsonRpcMessage) => said.push(heard)
  return { link, channel, reader, writer, said, hear }
}

describe('the reader', () => {
  it('hands out one message as one message, and reads nothing before it is listened to', async () => {
    const { link, reader, said, hear } = connection()
    link.arrive(wire(1), wire(2), wire(3))
    await settled()
    expect(link.unread).toBe(2)
    reader.listen(hear)
    await settled()
    expect(said).toEqual([message(1), message(2), message(3)])
  })

  it('hands out one in a turn of the event loop, so that nothing piles up behind it', async () => {
    const { link, reader } = connection()
    link.arrive(wire(1), wire(2), wire(3))
    const order: string[] = []
    reader.listen(() => {
      order.push('message')
      setImmediate(() => order.push('turn'))
    })
    await settled()
    await settled()
    expect(order).toEqual(['message', 'turn', 'message', 'turn', 'message', 'turn'])
  })

  it('says what is not JSON, and what the callback throws, and goes on', async () => {
    const { link, reader, said, hear } = connection()
    const mistake = new Error('mine')
    reader.listen((heard) => {
      hear(heard)
      throw mistake
    })
    link.arrive('nonsense', wire(1))
    await settled()
    expect(said).toEqual([['read error', code('CORRUPT')], message(1), ['read error', mistake]])
  })

  it('says the clean end once, behind every message', async () => {
    const { link, reader, said, hear } = connection()
    link.arrive(wire(1), wire(2))
    link.finish()
    reader.listen(hear)
    await settled()
    expect(said).toEqual([message(1), message(2), 'reader closed', 'writer closed'])
  })

  it('says a failure behind every message, and then that it has closed', async () => {
    const { link, reader, said, hear } = connection()
    const error = failure('RESET')
    link.arrive(wire(1), wire(2))
    link.finish(error)
    reader.listen(hear)
    await settled()
    expect(said).toEqual([message(1), message(2), ['read error', error], 'reader closed', 'writer closed'])
  })

  it.each(['the reader', 'what listen gave back'] as const)(
    'disposing of %s stops reading and loses nothing',
    async (which) => {
      const { link, channel, reader, said, hear } = connection()
      const listening = reader.listen(hear)
      link.arrive(wire(1))
      await settled()
      if (which === 'the reader') reader.dispose()
      else listening.dispose()
      link.arrive(wire(2))
      await settled()
      expect(text(channel.tryReceive())).toBe(wire(2))
      expect(channel.state).toBe('open')
      expect(said).toEqual([message(1)])
    },
  )

  it('is listened to once', () => {
    const { reader, hear } = connection()
    reader.listen(hear)
    expect(() => reader.listen(hear)).toThrow(TypeError)
  })
})

describe('the writer', () => {
  it('writes one message as one message, and resolves when it has left', async () => {
    const { link, writer } = connection()
    link.room = 1
    await writer.write(message(1))
    const waiting = writer.write(message(2))
    expect(await outcome(waiting)).toBe('pending')
    link.open(1)
    await waiting
    expect(link.written).toEqual([wire(1), wire(2)])
  })

  it('says and rejects with what went wrong, and counts it', async () => {
    const { link, writer, said } = connection()
    await expect(writer.write(undefined as never)).rejects.toThrow(TypeError)
    link.maxMessageSize = 3
    await expect(writer.write(message(1))).rejects.toEqual(code('TOO_LARGE'))
    expect(said).toEqual([
      ['write error', expect.any(TypeError), undefined, 1],
      ['write error', code('TOO_LARGE'), message(1), 2],
    ])
  })

  it('end() is the clean end behind everything written', async () => {
    const [here, there] = await mem.pair()
    const ours = toJsonRpc(here)
    const theirs = toJsonRpc(there)
    const said: unknown[] = []
    ours.reader.onClose(() => said.push('ours closed'))
    ours.reader.listen(() => {})
    theirs.reader.onClose(() => said.push('theirs closed'))
    theirs.reader.listen((heard) => said.push(heard))
    void ours.writer.write(message(1))
    void ours.writer.write(message(2))
    ours.writer.end()
    await settled()
    expect(said.filter((each) => each !== 'ours closed')).toEqual([message(1), message(2), 'theirs closed'])
    expect(said).toContain('ours closed')
    expect((await there.closed).error).toBeUndefined()
  })

  it('dispose() forgets its listeners and leaves the channel open', async () => {
    const { link, channel, writer, said } = connection()
    writer.dispose()
    await writer.write(undefined as never).catch(() => {})
    expect(said).toEqual([])
    expect(channel.state).toBe('open')
    expect(link.destroyed).toBe(0)
  })
})

describe('a listener', () => {
  it('is called as asked for, until it is disposed of', async () => {
    const { writer } = connection()
    const heard: unknown[] = []
    const disposables: { dispose(): void }[] = []
    function listener(this: unknown, [, , count]: [Error, unknown, number | undefined]) {
      heard.push([this, count])
    }
    const self = {}
    const disposable = writer.onError(listener, self, disposables)
    await writer.write(undefined as never).catch(() => {})
    expect(disposables).toEqual([disposable])
    disposable.dispose()
    await writer.write(undefined as never).catch(() => {})
    expect(heard).toEqual([[self, 1]])
  })

  it('of partial messages is never called: there are none', () => {
    const { reader } = connection()
    expect(reader.onPartialMessage(() => {})).toHaveProperty('dispose')
  })
})

it('a message that the peer sends as a batch is handed out as it is', async () => {
  const { link, reader, said, hear } = connection()
  reader.listen(hear)
  link.arrive(`[${wire(1)},${wire(2)}]`)
  await settled()
  expect(said).toEqual([[message(1), message(2)]])
})
