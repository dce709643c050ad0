import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StraitError } from '../src/error.js'
import { mem } from '../src/mem.js'
import { failure, outcome, scripted, settled, text, utf8 } from './support/link.js'

const code = (name: string) => expect.objectContaining({ code: `ERR_STRAIT_${name}` })

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

describe('C2 order', () => {
  it('messages leave in the order in which send was called, refused or not', async () => {
    const { link, channel } = scripted()
    link.room = 2
    const sends = ['a', 'b', 'c', 'd', 'e'].map((message) => channel.send(utf8(message)))
    expect(channel.trySend(utf8('x'))).toBe(false)
    link.open(1)
    expect(channel.trySend(utf8('x'))).toBe(false)
    link.open(9)
    await Promise.all(sends)
    expect(channel.trySend(utf8('f'))).toBe(true)
    expect(link.written.join('')).toBe('abcdef')
  })

  it('trySend does not overtake a send that waits, although there is room again', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const waiting = channel.send(utf8('first'))
    link.room = 5
    expect(channel.trySend(utf8('second'))).toBe(false)
    link.open(5)
    await waiting
    expect(link.written).toEqual(['first'])
  })

  it('receives are served in call order', async () => {
    const { link, channel } = scripted()
    const served: string[] = []
    for (const name of ['1', '2', '3']) void channel.receive().then((m) => served.push(name + text(m)))
    link.arrive('a', 'b')
    await settled()
    expect(channel.tryReceive()).toBeUndefined()
    link.arrive('c')
    await settled()
    expect(served).toEqual(['1a', '2b', '3c'])
  })

  it('tryReceive takes nothing from those who wait', async () => {
    const { link, channel } = scripted()
    const waiting = channel.receive()
    expect(channel.tryReceive()).toBeUndefined()
    link.arrive('a', 'b')
    expect(text(channel.tryReceive())).toBe('b')
    expect(text(await waiting)).toBe('a')
  })
})

describe('a link that can be looked at before it tells', () => {
  /** Messages of which `readable` has not told yet; `looked` says how they were asked for. */
  function untold(...messages: string[]) {
    const { link, channel } = scripted()
    const looked: boolean[] = []
    link.look = (patiently) => {
      looked.push(patiently)
      const told = link.read()
      if (told !== undefined) return told
      const message = messages.shift()
      return message === undefined ? undefined : utf8(message)
    }
    return { link, channel, looked }
  }

  it('tryReceive looks once, receive patiently, and what has come is there at once', async () => {
    const { channel, looked } = untold('a', 'b')
    expect(text(channel.tryReceive())).toBe('a')
    expect(text(await channel.receive())).toBe('b')
    expect(channel.tryReceive()).toBeUndefined()
    expect(looked).toEqual([false, true, false])
  })

  it('what was told comes first', async () => {
    const { link, channel } = untold('b')
    link.arrive('a')
    expect(text(channel.tryReceive())).toBe('a')
    expect(text(channel.tryReceive())).toBe('b')
  })

  it('is not looked at past those who wait, nor after the end', async () => {
    const { link, channel, looked } = untold()
    const waiting = [channel.receive(), channel.receive()]
    expect(channel.tryReceive()).toBeUndefined()
    expect(looked).toEqual([true])
    link.arrive('a')
    expect(text(await waiting[0])).toBe('a')
    link.finish()
    expect(await waiting[1]).toBeUndefined()
    expect(await channel.receive()).toBeUndefined()
    expect(looked).toEqual([true])
  })
})

describe('C5 a send resolves when its message has left', () => {
  it('each at its own time, in order', async () => {
    const { link, channel } = scripted()
    link.slow = true
    const left: string[] = []
    for (const name of ['a', 'b', 'c']) void channel.send(utf8(name)).then(() => left.push(name))
    await settled()
    expect(left).toEqual([])
    link.left(1)
    await settled()
    expect(left).toEqual(['a'])
    link.left(2)
    await settled()
    expect(left).toEqual(['a', 'b', 'c'])
  })

  it('not before those of trySend in front of it', async () => {
    const { link, channel } = scripted()
    link.slow = true
    expect(channel.trySend(utf8('a'))).toBe(true)
    const send = channel.send(utf8('b'))
    link.left(1)
    expect(await outcome(send)).toBe('pending')
    link.left(1)
    await send
  })

  it('one that waited for its turn also waits until it has left', async () => {
    const { link, channel } = scripted()
    link.slow = true
    link.room = 0
    const send = channel.send(utf8('a'))
    link.open(1)
    expect(await outcome(send)).toBe('pending')
    link.left(1)
    await send
  })
})

describe('C9 abort', () => {
  it('an aborted send that waits for its turn has sent nothing', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const controller = new AbortController()
    const aborted = channel.send(utf8('no'), { signal: controller.signal })
    const kept = channel.send(utf8('yes'))
    const reason = new Error('reason')
    controller.abort(reason)
    await expect(aborted).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ERR_STRAIT_ABORTED',
      cause: reason,
    })
    link.open(9)
    await kept
    expect(link.written).toEqual(['yes'])
  })

  it('a message that the mechanism has taken cannot be taken back by the signal', async () => {
    const { link, channel } = scripted()
    link.slow = true
    const controller = new AbortController()
    const send = channel.send(utf8('a'), { signal: controller.signal })
    controller.abort()
    expect(await outcome(send)).toBe('pending')
    link.left(1)
    await send
  })

  it('but abort() ends that wait too', async () => {
    const { link, channel } = scripted()
    link.slow = true
    const taken = channel.send(utf8('a'))
    link.room = 0
    const waiting = channel.send(utf8('b'))
    const receiving = channel.receive()
    channel.abort()
    for (const promise of [taken, waiting, receiving])
      await expect(promise).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    expect(link.destroyed).toBe(1)
  })

  it('an aborted receive has taken no message', async () => {
    const { link, channel } = scripted()
    const controller = new AbortController()
    const aborted = channel.receive({ signal: controller.signal })
    const next = channel.receive()
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    link.arrive('a')
    expect(text(await next)).toBe('a')
  })

  it('a signal that comes with the message finds the receive served', async () => {
    const { link, channel } = scripted()
    const controller = new AbortController()
    const receiving = channel.receive({ signal: controller.signal })
    link.arrive('a')
    controller.abort()
    expect(text(await receiving)).toBe('a')
  })

  it('a signal that is aborted already prevents everything, also where there is a message', async () => {
    const { link, channel } = scripted()
    link.arrive('a')
    const signal = AbortSignal.abort()
    await expect(channel.receive({ signal })).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    await expect(channel.send(utf8('x'), { signal })).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    expect(link.written).toEqual([])
    expect(text(channel.tryReceive())).toBe('a')
  })

  it('leaving a for await loop neither closes nor loses a message', async () => {
    const { link, channel } = scripted()
    link.arrive('a', 'b', 'c', 'd')
    for await (const message of channel) {
      expect(text(message)).toBe('a')
      break
    }
    for await (const message of channel) {
      expect(text(message)).toBe('b')
      break
    }
    expect(channel.state).toBe('open')
    expect(text(await channel.receive())).toBe('c')
    expect(text(channel.tryReceive())).toBe('d')
  })

  it('the signal is let go of, however the wait ends', async () => {
    const { link, channel } = scripted()
    const controller = new AbortController()
    const { signal } = controller
    let listening = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<AbortSignal['addEventListener']>) => {
      listening++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<AbortSignal['removeEventListener']>) => {
      listening--
      remove(...args)
    }
    link.room = 0
    const receiving = channel.receive({ signal })
    const sending = channel.send(utf8('a'), { signal })
    expect(listening).toBe(2)
    link.arrive('x')
    link.open(1)
    await Promise.all([receiving, sending])
    expect(listening).toBe(0)
    const closing = channel.close({ signal })
    link.finish()
    await closing
    expect(listening).toBe(0)
  })
})

describe('C6 the clean end', () => {
  it('close sends what waits, then the end, waits for the peer’s, and releases once', async () => {
    const { link, channel } = scripted()
    link.room = 1
    const sends = ['a', 'b'].map((message) => channel.send(utf8(message)))
    const closing = channel.close()
    expect(channel.state).toBe('closing')
    expect(link.shutdowns).toBe(0)
    link.open(5)
    await Promise.all(sends)
    await settled()
    expect(link.shutdowns).toBe(1)
    expect(link.destroyed).toBe(0)
    expect(await outcome(closing)).toBe('pending')
    link.finish()
    await closing
    expect(channel.state).toBe('closed')
    expect(link.written).toEqual(['a', 'b'])
    expect(link.destroyed).toBe(1)
    expect(await channel.closed).toEqual({ by: 'local' })
  })

  it('close is idempotent', async () => {
    const { link, channel } = scripted()
    const closings = [channel.close(), channel.close()]
    link.finish()
    await Promise.all([...closings, channel.close()])
    channel.abort()
    expect(link.shutdowns).toBe(1)
    expect(link.destroyed).toBe(1)
    expect(await channel.closed).toEqual({ by: 'local' })
  })

  it('closing drops unread messages and those that still come', async () => {
    const { link, channel } = scripted()
    link.arrive('a', 'b')
    const closing = channel.close()
    expect(link.unread).toBe(0)
    link.arrive('c')
    expect(link.unread).toBe(0)
    expect(channel.tryReceive()).toBeUndefined()
    link.finish()
    await closing
    expect(await channel.receive()).toBeUndefined()
  })

  it('C8 a receive on a closing channel sees the end at once, and never a message', async () => {
    const { link, channel } = scripted()
    const before = channel.receive()
    void channel.close()
    const after = channel.receive()
    expect(await outcome(before)).toBeUndefined()
    expect(await outcome(after)).toBeUndefined()
    link.arrive('late')
    expect(channel.tryReceive()).toBeUndefined()
    expect(await outcome(channel.receive())).toBeUndefined()
    channel.abort()
  })

  it('after more than a turn’s messages a closing channel still goes on discarding', async () => {
    const { link, channel } = scripted()
    link.arrive(...Array.from({ length: 1000 }, () => 'x'))
    const closing = channel.close()
    link.finish()
    await closing
    expect(link.unread).toBe(0)
    expect(await channel.closed).toEqual({ by: 'local' })
  })

  it('the peer’s end stands behind everything, and for ever', async () => {
    const { link, channel } = scripted()
    link.arrive('a', 'b')
    link.finish()
    expect(channel.state).toBe('open')
    expect([text(await channel.receive()), text(await channel.receive())]).toEqual(['a', 'b'])
    expect(await channel.receive()).toBeUndefined()
    expect(await channel.receive()).toBeUndefined()
    expect(channel.tryReceive()).toBeUndefined()
    for await (const _ of channel) throw new Error('a message behind the end')
    expect(await channel.closed).toEqual({ by: 'peer' })
  })

  it('the peer’s end comes in the middle of a read by tryReceive', async () => {
    const { link, channel } = scripted()
    link.arrive('a')
    link.finish()
    expect(text(channel.tryReceive())).toBe('a')
    expect(channel.tryReceive()).toBeUndefined()
    await expect(channel.send(utf8('x'))).rejects.toEqual(code('CLOSED'))
    expect(await channel.closed).toEqual({ by: 'peer' })
  })

  it('after the peer’s end our sends fail with CLOSED: those that wait, and later ones', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const waiting = channel.send(utf8('a'))
    link.finish()
    await expect(waiting).rejects.toEqual(code('CLOSED'))
    await expect(channel.send(utf8('b'))).rejects.toEqual(code('CLOSED'))
    expect(() => channel.trySend(utf8('c'))).toThrow(code('CLOSED'))
    await channel.closed
  })

  it('but a message that had been taken leaves, and its send resolves', async () => {
    const { link, channel } = scripted()
    link.slow = true
    link.endLeaves = false
    const send = channel.send(utf8('a'))
    link.finish()
    link.left(1)
    await send
    link.endLeft()
    expect(await channel.closed).toEqual({ by: 'peer' })
  })

  it('the signal of close turns a slow close into abort', async () => {
    const { link, channel } = scripted()
    const controller = new AbortController()
    const closing = channel.close({ signal: controller.signal })
    expect(await outcome(Promise.race([closing, channel.closed]))).toBe('pending')
    controller.abort()
    await expect(closing).rejects.toEqual(code('ABORTED'))
    expect(channel.state).toBe('closed')
    expect(link.destroyed).toBe(1)
  })

  it('close with an aborted signal aborts at once', async () => {
    const { link, channel } = scripted()
    await expect(channel.close({ signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    expect(link.destroyed).toBe(1)
  })

  it('abort during close ends the close', async () => {
    const { channel } = scripted()
    const closing = channel.close()
    channel.abort()
    await closing
    expect(await channel.closed).toEqual({ by: 'local', error: code('ABORTED') })
  })

  it('await using closes, and aborts a peer that does not answer', async () => {
    const { link, channel } = scripted()
    await channel[Symbol.asyncDispose]()
    expect(link.shutdowns).toBe(1)
    expect(await channel.closed).toEqual({ by: 'local', error: code('ABORTED') })
  })
})

describe('C7 the unclean end', () => {
  it('comes behind everything that had arrived, and is one and the same for everybody', async () => {
    const { link, channel } = scripted()
    link.arrive('a', 'b')
    link.finish(failure('RESET'))
    expect(text(await channel.receive())).toBe('a')
    expect(text(await channel.receive())).toBe('b')
    const error = await channel.receive().catch((error) => error)
    expect(error).toEqual(code('RESET'))
    expect(await channel.send(utf8('x')).catch((error) => error)).toBe(error)
    expect(await channel.receive().catch((error) => error)).toBe(error)
    expect(() => channel.tryReceive()).toThrow(error)
    expect(() => channel.trySend(utf8('x'))).toThrow(error)
    expect(await channel.closed).toEqual({ by: 'peer', error })
  })

  it('a failed write ends sends and no receives', async () => {
    const { link, channel } = scripted()
    link.slow = true
    const taken = channel.send(utf8('a'))
    link.room = 0
    const waiting = channel.send(utf8('b'))
    link.arrive('x', 'y')
    link.events.fail(failure('RESET'))
    const error = await taken.catch((error) => error)
    expect(error).toEqual(code('RESET'))
    expect(await waiting.catch((error) => error)).toBe(error)
    expect(await channel.send(utf8('c')).catch((error) => error)).toBe(error)
    expect(text(await channel.receive())).toBe('x')
    expect(text(channel.tryReceive())).toBe('y')
    const receiving = channel.receive()
    link.finish(failure('TRUNCATED'))
    expect(await receiving.catch((error) => error)).toBe(error)
    expect((await channel.closed).error).toBe(error)
  })

  it('a failed write and then a clean end is a clean end for who receives', async () => {
    const { link, channel } = scripted()
    link.events.fail(failure('RESET'))
    link.arrive('last')
    link.finish()
    expect(text(await channel.receive())).toBe('last')
    expect(await channel.receive()).toBeUndefined()
    await expect(channel.send(utf8('x'))).rejects.toEqual(code('RESET'))
    expect(await channel.closed).toEqual({ by: 'peer' })
  })

  it('a failure during close: close resolves, receives see the clean end, closed has the error', async () => {
    const { link, channel } = scripted()
    link.room = 0
    const waiting = channel.send(utf8('a'))
    const closing = channel.close()
    link.finish(failure('RESET'))
    await closing
    await expect(waiting).rejects.toEqual(code('RESET'))
    expect(await channel.receive()).toBeUndefined()
    expect(await channel.closed).toEqual({ by: 'local', error: code('RESET') })
  })

  it('abort drops what is unread', async () => {
    const { link, channel } = scripted()
    link.arrive('a', 'b')
    channel.abort(new Error('why'))
    const error = await channel.receive().catch((error) => error)
    expect(error).toEqual(code('ABORTED'))
    expect(error.cause.message).toBe('why')
    expect(await channel.closed).toEqual({ by: 'local', error })
  })

  it('a failure waits for its explanation, and so does everybody', async () => {
    const { link, channel } = scripted()
    let explain!: (error: StraitError) => void
    channel.explainFailure(() => new Promise((resolve) => (explain = resolve)))
    link.room = 0
    const sending = channel.send(utf8('a'))
    const receiving = channel.receive()
    link.events.fail(failure('RESET'))
    link.finish(failure('RESET'))
    expect(await outcome(sending)).toBe('pending')
    expect(await outcome(receiving)).toBe('pending')
    const explained = new StraitError('RESET', 'explained', { operation: 'receive', cause: { exitCode: 3 } })
    explain(explained)
    expect(await sending.catch((error) => error)).toBe(explained)
    expect(await receiving.catch((error) => error)).toBe(explained)
    expect(await channel.closed).toEqual({ by: 'peer', error: explained })
  })

  it('a channel that closes while its failure is being explained closes', async () => {
    const { link, channel } = scripted()
    let explain!: (error: StraitError) => void
    channel.explainFailure(() => new Promise((resolve) => (explain = resolve)))
    link.finish(failure('RESET'))
    const closing = channel.close()
    await settled()
    explain(failure('RESET'))
    await closing
    expect(link.destroyed).toBe(1)
  })
})

describe('C1 what is no message', () => {
  it('is refused before anything is sent', async () => {
    const { link, channel } = scripted()
    for (const wrong of ['text', null, undefined, 7, new ArrayBuffer(1), new Uint16Array(1), [1]]) {
      await expect(channel.send(wrong as unknown as Uint8Array)).rejects.toBeInstanceOf(TypeError)
      expect(() => channel.trySend(wrong as unknown as Uint8Array)).toThrow(TypeError)
    }
    await expect(channel.send(new Uint8Array(1025))).rejects.toEqual(code('TOO_LARGE'))
    expect(() => channel.trySend(new Uint8Array(1025))).toThrow(code('TOO_LARGE'))
    expect(link.written).toEqual([])
    expect(channel.capabilities.maxMessageSize).toBe(1024)
    await channel.send(new Uint8Array(1024))
  })
})

describe('C12 ref and unref', () => {
  it('reach the link while there is one', () => {
    const { link, channel } = scripted()
    expect(channel.unref()).toBe(channel)
    expect(channel.ref()).toBe(channel)
    channel.abort()
    channel.ref().unref()
    expect(link.refs).toEqual(['unref', 'ref'])
  })
})

describe('a fast peer does not starve the event loop', () => {
  it('a ping-pong without end lets a timer run', async () => {
    const [a, b] = await mem.pair()
    let over = false
    const play = async (channel: typeof a) => {
      for (;;) {
        const message = await channel.receive()
        if (message === undefined) return
        if (over) return channel.close()
        await channel.send(message)
      }
    }
    const games = [play(a), play(b)]
    const timer = new Promise<void>((resolve) => setTimeout(resolve, 5))
    await a.send(utf8('ball'))
    await timer
    over = true
    await Promise.all(games)
  })

  it('a stream without end lets a timer run', async () => {
    const [a, b] = await mem.pair()
    let over = false
    const sender = (async () => {
      while (!over) await a.send(utf8('x'))
      await a.close()
    })()
    const receiver = (async () => {
      for await (const _ of b) if (over) break
      await b.close()
    })()
    await new Promise((resolve) => setTimeout(resolve, 5))
    over = true
    await Promise.all([sender, receiver])
  })

  it('and everything comes, in order, over many turns', async () => {
    const [a, b] = await mem.pair()
    const sent = Array.from({ length: 5000 }, (_, index) => a.send(utf8(String(index))))
    for (let index = 0; index < 5000; index++) expect(text(await b.receive())).toBe(String(index))
    await Promise.all([...sent, a.close(), b.close()])
  })
})

describe('mem: a peer that went away', () => {
  it('C7 ends sends although messages are unread, and those are still handed out', async () => {
    const [a, b] = await mem.pair()
    for (const message of ['1', '2', '3']) expect(b.trySend(utf8(message))).toBe(true)
    let taken = 0
    while (a.trySend(new Uint8Array(1000))) taken++
    expect(taken).toBeGreaterThan(0)
    const waiting = a.send(utf8('x'))
    b.abort()
    const error = await waiting.catch((error) => error)
    expect(error).toEqual(code('RESET'))
    expect(await a.send(utf8('y')).catch((error) => error)).toBe(error)
    expect([await a.receive(), await a.receive(), await a.receive()].map(text)).toEqual(['1', '2', '3'])
    expect(await a.receive().catch((error) => error)).toBe(error)
    expect((await a.closed).error).toBe(error)
  })

  it('C3 a message and the array that was sent are strangers', async () => {
    const [a, b] = await mem.pair()
    const message = utf8('abc')
    expect(a.trySend(message)).toBe(true)
    message.fill(0)
    const received = await b.receive()
    expect(text(received)).toBe('abc')
    await Promise.all([a.close(), b.close()])
  })

  it('C10 a name can be listened on again the moment the listener is closed', async () => {
    const url = new URL('mem:again')
    for (let round = 0; round < 3; round++) {
      const listener = await mem.listen(url)
      await expect(mem.listen(url)).rejects.toEqual(code('ADDRESS_IN_USE'))
      const closing = listener.close()
      await expect(mem.connect(url)).rejects.toEqual(code('REFUSED'))
      await closing
    }
  })

  it('a full backlog refuses, a closed listener aborts what nobody accepted, accepted channels live on', async () => {
    const url = new URL('mem:full')
    const listener = await mem.listen(url, { backlog: 2 })
    const first = await mem.connect(url)
    const second = await mem.connect(url)
    await expect(mem.connect(url)).rejects.toEqual(code('REFUSED'))
    const accepted = (await listener.accept())!
    const third = await mem.connect(url)
    await listener.close()
    await expect(second.receive()).rejects.toEqual(code('RESET'))
    await expect(third.receive()).rejects.toEqual(code('RESET'))
    await accepted.send(utf8('still here'))
    expect(text(await first.receive())).toBe('still here')
    expect(await listener.accept()).toBeUndefined()
    await Promise.all([first.close(), accepted.close()])
  })

  it('C9 an aborted accept has taken no channel', async () => {
    const url = new URL('mem:accept')
    const listener = await mem.listen(url)
    const controller = new AbortController()
    const aborted = listener.accept({ signal: controller.signal })
    const next = listener.accept()
    controller.abort()
    await expect(aborted).rejects.toEqual(code('ABORTED'))
    const channel = await mem.connect(url)
    const other = (await next)!
    await channel.send(utf8('hello'))
    expect(text(await other.receive())).toBe('hello')
    await expect(listener.accept({ signal: AbortSignal.abort() })).rejects.toEqual(code('ABORTED'))
    await Promise.all([channel.close(), other.close(), listener.close()])
  })

  it('C13 a key that differs, or stands on one side only, is AUTH_FAILED', async () => {
    const url = new URL('mem:keyed')
    const listener = await mem.listen(url, { key: 'secret' })
    await expect(mem.connect(url)).rejects.toEqual(code('AUTH_FAILED'))
    await expect(mem.connect(url, { key: 'wrong' })).rejects.toEqual(code('AUTH_FAILED'))
    const channel = await mem.connect(url, { key: utf8('secret') })
    channel.abort()
    await listener.close()
  })
})
