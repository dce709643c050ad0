import { MessageChannel } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChannelOptions } from '../src/channel.js'
import { raw } from '../src/codec.js'
import { mem } from '../src/mem.js'
import { type ChannelPort, toMessagePort } from '../src/message-port.js'
import { structuredClone } from '../src/node/structured-clone.js'
import { failure, scripted, settled, text, utf8 } from './support/link.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })
const dataOf = (event: unknown) => (event as { data: unknown }).data

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

async function ports(options: ChannelOptions = {}) {
  const [here, there] = await mem.pair(options)
  return { here, there, ours: toMessagePort(here), theirs: toMessagePort(there) }
}

/** Everything a port says from now on, in order. */
function listen(port: ChannelPort): [type: string, data: unknown][] {
  const heard: [string, unknown][] = []
  for (const type of ['close', 'messageerror', 'message']) {
    port.addEventListener(type, (event) => heard.push([event.type, dataOf(event)]))
  }
  return heard
}

const once = (port: ChannelPort, type: string) =>
  new Promise<unknown>((resolve) => {
    port.addEventListener(type, (event) => resolve(dataOf(event)), { once: true })
  })

describe('what is posted', () => {
  it('arrives as values, in order, more than the channel holds', async () => {
    const { ours, theirs } = await ports()
    const count = 5000
    for (let index = 0; index < count; index++) ours.postMessage({ index, text: 'x'.repeat(100) })
    expect(ours.bufferedAmount).toBeGreaterThan(count * 100)
    const received: unknown[] = []
    await new Promise<void>((resolve) => {
      theirs.addEventListener('message', (event) => {
        received.push((dataOf(event) as { index: number }).index)
        if (received.length === count) resolve()
      })
    })
    expect(received).toEqual(Array.from({ length: count }, (_, index) => index))
    await settled()
    expect(ours.bufferedAmount).toBe(0)
  })

  it('goes to functions and to objects with handleEvent, until they are removed', async () => {
    const { ours, theirs } = await ports()
    const heard: string[] = []
    const object = { handleEvent: (event: Event) => heard.push(`object ${dataOf(event)}`) }
    const listener = (event: Event) => heard.push(`function ${dataOf(event)}`)
    theirs.addEventListener('message', listener)
    theirs.addEventListener('message', object as never)
    ours.postMessage(1)
    await settled()
    theirs.removeEventListener('message', listener)
    ours.postMessage(2)
    await settled()
    expect(heard).toEqual(['function 1', 'object 1', 'object 2'])
  })

  it('comes one in a turn of the event loop, as with any MessagePort', async () => {
    const { ours, theirs } = await ports()
    const order: string[] = []
    for (let index = 0; index < 3; index++) ours.postMessage(index)
    await new Promise<void>((resolve) => {
      theirs.addEventListener('message', (event) => {
        order.push(`message ${dataOf(event)}`)
        setImmediate(() => order.push('turn'))
        if (dataOf(event) === 2) resolve()
      })
    })
    expect(order).toEqual(['message 0', 'turn', 'message 1', 'turn', 'message 2'])
  })

  it('with structuredClone, in Node, may be what JSON has no form for', async () => {
    const [here, there] = await mem.pair()
    const value = new Map([['date', new Date(0)]])
    toMessagePort(here, structuredClone).postMessage(value)
    expect(await once(toMessagePort(there, structuredClone), 'message')).toEqual(value)
  })
})

describe('reading', () => {
  it('begins with the first listener: until then everything waits in the channel', async () => {
    const { ours, theirs, there } = await ports()
    for (let index = 0; index < 3; index++) ours.postMessage(index)
    listenForOthers(theirs)
    await settled()
    expect(text(there.tryReceive())).toBe('0')
    const heard = listen(theirs)
    await settled()
    expect(heard).toEqual([
      ['message', 1],
      ['message', 2],
    ])
  })

  function listenForOthers(port: ChannelPort): void {
    for (const type of ['close', 'messageerror', 'other']) port.addEventListener(type, () => {})
  }

  it('begins with start() too, and only once', async () => {
    const { link, channel } = scripted()
    const port = toMessagePort(channel, raw)
    link.arrive('a', 'b', 'c')
    await settled()
    expect(link.unread).toBe(2)
    port.start()
    port.start()
    await settled()
    expect(link.unread).toBe(0)
  })

  it('a message that cannot be decoded is `messageerror`, and the next one comes', async () => {
    const { there, ours } = await ports()
    const heard = listen(ours)
    for (const message of ['1', 'nonsense', '2']) await there.send(utf8(message))
    await settled()
    expect(heard).toEqual([
      ['message', 1],
      ['messageerror', code('CORRUPT')],
      ['message', 2],
    ])
  })
})

describe('what cannot be posted', () => {
  it('is an error at once, and nothing is sent', async () => {
    const { ours, theirs } = await ports({ maxMessageSize: 10 })
    expect(() => ours.postMessage(undefined)).toThrow(TypeError)
    expect(() => ours.postMessage('x'.repeat(9))).toThrow(code('TOO_LARGE'))
    const { port1 } = new MessageChannel()
    const bytes = new ArrayBuffer(1)
    for (const transfer of [[port1], [bytes, port1], { transfer: [port1] }, [new ReadableStream()]]) {
      expect(() => ours.postMessage(1, transfer)).toThrow(code('NOT_SUPPORTED'))
    }
    port1.close()
    const heard = listen(theirs)
    for (const transfer of [undefined, [], {}, [bytes], { transfer: [bytes] }]) ours.postMessage(2, transfer)
    expect(bytes.byteLength).toBe(1)
    ours.close()
    await once(theirs, 'close')
    expect(heard.slice(0, -1)).toEqual(Array(5).fill(['message', 2]))
    expect(ours.bufferedAmount).toBe(0)
  })

  it.each([-1, Number.NaN])('a limit of %d is a RangeError', async (maxBufferedAmount) => {
    const [channel] = await mem.pair()
    expect(() => toMessagePort(channel, raw, { maxBufferedAmount })).toThrow(RangeError)
  })

  it('more than may wait aborts the channel, and `close` says why', async () => {
    const [here, there] = await mem.pair()
    const port = toMessagePort(here, raw, { maxBufferedAmount: 1_000_000 })
    const closed = once(port, 'close')
    const message = new Uint8Array(10_000)
    let posted = 0
    for (; here.state === 'open'; posted++) port.postMessage(message)
    // The message that crosses the line still waits, and the next one is too much.
    expect(posted).toBe(Math.ceil(1_000_000 / 10_256) + 1)
    expect(await closed).toMatchObject({
      by: 'local',
      error: { code: 'ERR_STRAIT_ABORTED', cause: { code: 'ERR_STRAIT_NO_RESOURCES' } },
    })
    port.postMessage(message)
    await settled()
    expect(port.bufferedAmount).toBe(0)
    there.abort()
  })

  it('empty messages count too', async () => {
    const [here] = await mem.pair()
    const port = toMessagePort(here, raw, { maxBufferedAmount: 100_000 })
    let posted = 0
    for (; here.state === 'open' && posted < 1_000_000; posted++) port.postMessage(new Uint8Array(0))
    expect(posted).toBeLessThan(10_000)
  })
})

describe('the end', () => {
  it('close() lets everything posted arrive, and both ports say `close`', async () => {
    const { ours, theirs } = await ports()
    const [here, there] = [listen(ours), listen(theirs)]
    for (let index = 0; index < 3; index++) ours.postMessage(index)
    ours.close()
    await settled()
    await settled()
    expect(there).toEqual([
      ['message', 0],
      ['message', 1],
      ['message', 2],
      ['close', { by: 'peer' }],
    ])
    expect(here).toEqual([['close', { by: 'local' }]])
  })

  it('a failure is said by `close`, behind every message', async () => {
    const { link, channel } = scripted()
    const port = toMessagePort(channel)
    const error = failure('RESET')
    link.arrive('1', '2')
    link.finish(error)
    const heard = listen(port)
    await once(port, 'close')
    expect(heard).toEqual([
      ['message', 1],
      ['message', 2],
      ['close', { by: 'peer', error }],
    ])
  })

  it('posting to a dead peer does nothing, so that a server outlives its clients', async () => {
    const { ours, there } = await ports()
    const closed = once(ours, 'close')
    ours.start()
    there.abort()
    ours.postMessage('late')
    expect(await closed).toMatchObject({ error: { code: 'ERR_STRAIT_RESET' } })
    ours.postMessage('later')
    await settled()
    expect(ours.bufferedAmount).toBe(0)
  })
})
