import { type Channel, type Codec, json, mem, StraitError } from '@strait/core'
import { structuredClone } from '@strait/core/node'
import { callContext, createClient, RemoteError, type ServeOptions, type Server, serve } from '@strait/rpc'
import { Caller, encodeArguments, Kind } from '@strait/rpc/caller'
import { msgpack } from '@strait/rpc/msgpack'
import { connect, listen } from 'strait'
import { afterEach, describe, expect, it } from 'vitest'

class QuotaError extends Error {
  override name = 'QuotaError'
}

/** What a test wants to see of the other end. */
class Ledger {
  readonly notes: string[] = []
  readonly aborted: unknown[] = []
  left = 0
  #wake: (() => void) | undefined

  wrote(note: string): void {
    this.notes.push(note)
    this.#wake?.()
  }

  /** Until there are so many notes. */
  async until(count: number): Promise<void> {
    while (this.notes.length < count) await new Promise<void>((resolve) => (this.#wake = resolve))
  }
}

const handlers = (ledger: Ledger) => ({
  add: (a: number, b: number) => a + b,
  later: async (value: string) => `${value}!`,
  nothing() {},
  echo: (value: unknown) => value,
  swap: (first: Uint8Array, label: string, second: Uint8Array) => (label === 'first' ? first : second),
  note: (text: string) => ledger.wrote(text),
  range() {
    throw Object.assign(new RangeError('too far'), { code: 'EFAR' })
  },
  quota() {
    throw new QuotaError('no more')
  },
  strait() {
    throw new StraitError('NO_RESOURCES', 'none left', { operation: 'take' })
  },
  text() {
    throw 'only text'
  },
  caused() {
    throw new Error('outer', { cause: new TypeError('inner') })
  },
  async wait() {
    const { signal } = callContext()
    ledger.wrote('waits')
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    ledger.aborted.push(signal.reason)
    ledger.wrote('aborted')
  },
  async *count(to: number) {
    try {
      for (let n = 0; n < to; n++) {
        ledger.notes.push(`yield ${n}`)
        yield n
      }
    } finally {
      ledger.left++
      ledger.wrote('left')
    }
  },
  *letters() {
    yield 'a'
    yield 'b'
  },
  async *fails() {
    yield 1
    throw new RangeError('in the middle')
  },
})

type Handlers = ReturnType<typeof handlers>

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

// biome-ignore lint/suspicious/noExplicitAny: any codec will do
async function open(url = 'mem:', codec: Codec<any> = json, options: ServeOptions = {}) {
  const [near, far] = await pairOf(url)
  const ledger = new Ledger()
  const server: Server = serve(far, handlers(ledger), { codec, ...options })
  const client = createClient<Handlers>(near, { codec, errors: [QuotaError] })
  opened.push(
    () => near.close(),
    () => far.close(),
    () => server.done,
  )
  return { client, server, ledger, near, far }
}

async function pairOf(url: string): Promise<[Channel, Channel]> {
  if (url === 'mem:') return mem.pair()
  const listener = await listen(url)
  const [near, far] = await Promise.all([connect(listener.url), listener.accept()])
  await listener.close()
  return [near, far!]
}

describe.each([
  ['json', json],
  ['structured clone', structuredClone],
  ['MessagePack', msgpack],
])('calls over %s', (_name, codec) => {
  it.each(['mem:', 'tcp://127.0.0.1:0'])('are answered over %s', async (url) => {
    const { client } = await open(url, codec)
    expect(await client.add(1, 2)).toBe(3)
    expect(await client.later('hello')).toBe('hello!')
    expect(await client.nothing()).toBeUndefined()
    expect(await client.echo({ list: [1, 'two', null] })).toEqual({ list: [1, 'two', null] })
    expect(await client.echo(undefined)).not.toBeInstanceOf(Error)
  })

  it('carry bytes as bytes, short and long, there and back', async () => {
    const { client } = await open('tcp://127.0.0.1:0', codec)
    for (const length of [0, 1, 1000, 32_767, 32_768, 1_000_000]) {
      const bytes = Uint8Array.from({ length }, (_, index) => index % 251)
      expect(Buffer.compare(await client.swap(bytes, 'first', new Uint8Array(5)), bytes)).toBe(0)
      expect(Buffer.compare(await client.swap(new Uint8Array(70_000), 'second', bytes), bytes)).toBe(0)
    }
  })

  it('throw here what was thrown there', async () => {
    const { client } = await open('mem:', codec)
    const range = await client.range().then(String, (error) => error)
    expect(range).toBeInstanceOf(RangeError)
    expect(range).toMatchObject({ message: 'too far', code: 'EFAR' })
    expect(range.remoteStack).toContain('range')
    await expect(client.quota()).rejects.toBeInstanceOf(QuotaError)
    await expect(client.strait()).rejects.toMatchObject({
      code: 'ERR_STRAIT_NO_RESOURCES',
      message: 'take: none left',
    })
    await expect(client.strait()).rejects.toBeInstanceOf(StraitError)
    await expect(client.text()).rejects.toMatchObject({ message: 'only text' })
    await expect(client.caused()).rejects.toMatchObject({ message: 'outer', cause: expect.any(TypeError) })
  })
})

describe('a call', () => {
  it('is one of many in flight, each answered when it is done', async () => {
    const { client } = await open()
    const sums = await Promise.all(Array.from({ length: 1000 }, (_, n) => client.add(n, n)))
    expect(sums).toEqual(Array.from({ length: 1000 }, (_, n) => 2 * n))
  })

  it('may be there before it is served, and be answered before somebody listens', async () => {
    for (const concurrency of [undefined, 1]) {
      const [near, far] = await mem.pair()
      const client = createClient<{ add(a: number, b: number): number }>(near)
      const sum = client.add(1, 1)
      await new Promise(setImmediate)
      const server = serve(far, { add: (a: number, b: number) => a + b }, { concurrency })
      expect(await sum).toBe(2)
      await near.close()
      expect(await server.done).toBeUndefined()
    }
  })

  it('of a function that is not there says so, also of what every object has', async () => {
    const { client } = await open()
    const remote = client as unknown as Record<string, () => Promise<unknown>>
    for (const name of ['missing', 'constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      await expect(remote[name]!()).rejects.toMatchObject({ code: 'ERR_STRAIT_NOT_SUPPORTED' })
    }
  })

  it('that is aborted rejects at once, and aborts the handler', async () => {
    const { client, ledger, server } = await open()
    const controller = new AbortController()
    const calls = Array.from({ length: 20 }, () => client.wait.with({ signal: controller.signal })())
    await ledger.until(20)
    controller.abort(new Error('mine'))
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED', cause: { message: 'mine' } })
    }
    await ledger.until(40)
    expect(ledger.aborted[0]).toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    expect(await client.add(1, 1)).toBe(2)
    expect(server.running).toBe(0)
  })

  it('that was aborted before is not made', async () => {
    const { client, ledger } = await open()
    await expect(client.note.with({ signal: AbortSignal.abort() })('x')).rejects.toMatchObject({
      code: 'ERR_STRAIT_ABORTED',
    })
    await client.add(1, 1)
    expect(ledger.notes).toEqual([])
  })

  it('with a timeout rejects when it is over, and aborts the handler', async () => {
    const { client, ledger } = await open()
    await expect(client.wait.with({ timeout: 5 })()).rejects.toMatchObject({ code: 'ERR_STRAIT_TIMEOUT' })
    await ledger.until(2)
    expect(ledger.aborted).toHaveLength(1)
    expect(await client.add.with({ timeout: 60_000 })(2, 2)).toBe(4)
  })

  it('whose time is over is answered with that, also when the handler ends well behind it', async () => {
    const [near, far] = await mem.pair()
    const server = serve(far, {
      async heed() {
        const { signal } = callContext()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return 'too late'
      },
    })
    // It has no clock of its own.
    const caller = new Caller(near)
    const answer = new Promise((onValue, onError) => {
      const entry = { onValue, onError, onLost: onError }
      const call = caller.begin(Kind.CALL, new TextEncoder().encode('heed'), encodeArguments(json, []), entry)
      caller.within(call, 1)
    })
    await expect(answer).rejects.toMatchObject({ code: 'ERR_STRAIT_TIMEOUT' })
    await near.close()
    await server.done
  })

  it('that is a notification has no answer, and its error goes to the server', async () => {
    const errors: [unknown, string][] = []
    const { client, ledger } = await open('mem:', json, {
      onError: (error, name) => errors.push([error, name]),
    })
    client.note.notify('hello')
    client.range.notify()
    await client.add(1, 1)
    expect(ledger.notes).toEqual(['hello'])
    expect(errors).toEqual([[expect.any(RangeError), 'range']])
  })

  it('whose arguments the codec cannot carry fails here, and nothing is sent', async () => {
    const { client, server } = await open()
    await expect(client.echo(1n)).rejects.toBeInstanceOf(TypeError)
    expect(server.running).toBe(0)
    expect(await client.add(1, 1)).toBe(2)
  })

  it('whose result the codec cannot carry fails, and the server is told', async () => {
    const errors: unknown[] = []
    const [near, far] = await mem.pair()
    const server = serve(far, { big: () => 1n }, { onError: (error) => errors.push(error) })
    const client = createClient<{ big(): bigint }>(near)
    await expect(client.big()).rejects.toBeInstanceOf(TypeError)
    expect(errors).toHaveLength(1)
    await near.close()
    await server.done
  })

  it('that is larger than a message may be fails, and the channel lives on', async () => {
    const { client } = await open()
    await expect(client.echo('x'.repeat(17 * 1024 * 1024))).rejects.toMatchObject({
      code: 'ERR_STRAIT_TOO_LARGE',
    })
    await expect(client.echo(new Uint8Array(17 * 1024 * 1024))).rejects.toMatchObject({
      code: 'ERR_STRAIT_TOO_LARGE',
    })
    expect(await client.add(1, 1)).toBe(2)
  })

  it('waits for its turn where only so many may run, and never begins when it is given up before', async () => {
    const { client, ledger, server } = await open('mem:', json, { concurrency: 3 })
    const giveUp = new AbortController()
    const running = Array.from({ length: 3 }, () => client.wait.with({ signal: giveUp.signal })())
    await ledger.until(3)
    const early = new AbortController()
    const never = client.note.with({ signal: early.signal })('given up')
    const late = client.add(1, 1)
    while (server.waiting < 2) await new Promise(setImmediate)
    expect(server.running).toBe(3)
    early.abort()
    await expect(never).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    giveUp.abort()
    for (const call of running) await expect(call).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    expect(await late).toBe(2)
    expect(ledger.notes).not.toContain('given up')
    expect([server.running, server.waiting]).toEqual([0, 0])
  })

  it('is refused where as many run and wait as may', async () => {
    const { client, ledger } = await open('mem:', json, { concurrency: 1, maxCalls: 2 })
    const giveUp = new AbortController()
    const calls = [1, 2].map(() => client.wait.with({ signal: giveUp.signal })())
    await ledger.until(1)
    await expect(client.add(1, 1)).rejects.toMatchObject({ code: 'ERR_STRAIT_NO_RESOURCES' })
    giveUp.abort()
    await Promise.allSettled(calls)
    while ((await client.add(1, 1).catch(() => 0)) !== 2);
  })

  it('has left an answer before the next one begins, where they take turns', async () => {
    const [near, far] = await mem.pair()
    const seen: number[] = []
    let answers = 0
    const server = serve(far, { next: () => seen.push(answers) }, { concurrency: 1 })
    const client = createClient<{ next(): number }>(near)
    const trySend = far.trySend.bind(far)
    far.trySend = (message) => {
      const taken = trySend(message)
      if (taken) answers++
      return taken
    }
    await Promise.all(Array.from({ length: 20 }, () => client.next()))
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n))
    await near.close()
    await server.done
  })

  it('is dropped where its claim fails', async () => {
    const [near, far] = await mem.pair()
    const begun: number[] = []
    const server = serve(
      far,
      { add: (a: number) => a },
      {
        concurrency: 1,
        claim: (call) => {
          begun.push(call)
          return call !== 2
        },
      },
    )
    const client = createClient<{ add(a: number): number }>(near)
    const calls = [client.add(1), client.add(2), client.add(3)]
    expect(await calls[2]).toBe(3)
    expect(begun).toEqual([1, 2, 3])
    expect(await Promise.race([calls[1], 'nothing'])).toBe('nothing')
    await near.close()
    await expect(calls[1]).rejects.toMatchObject({ code: 'ERR_STRAIT_CLOSED' })
    await server.done
  })
})

describe('an iteration', () => {
  it('yields what the handler yields, in order, also of a plain generator', async () => {
    const { client } = await open()
    const values: number[] = []
    for await (const value of client.count.iterate(1000)) values.push(value)
    expect(values).toEqual(Array.from({ length: 1000 }, (_, n) => n))
    const letters: string[] = []
    for await (const letter of client.letters.iterate()) letters.push(letter)
    expect(letters).toEqual(['a', 'b'])
  })

  it('is at most 16 values ahead of who reads them', async () => {
    const { client, ledger } = await open()
    const values = client.count.iterate(1000)
    await values.next()
    await client.add(1, 1)
    await client.add(1, 1)
    expect(ledger.notes.filter((note) => note.startsWith('yield')).length).toBeLessThanOrEqual(17)
    await values.return?.()
  })

  it('that is left ends the handler', async () => {
    const { client, ledger } = await open()
    for await (const value of client.count.iterate(1_000_000)) if (value === 20) break
    while (ledger.left === 0) await client.add(1, 1)
    expect(ledger.left).toBe(1)
  })

  it('that fails throws behind the values that came before', async () => {
    const { client } = await open()
    const values = client.fails.iterate()
    expect(await values.next()).toEqual({ done: false, value: 1 })
    await expect(values.next()).rejects.toBeInstanceOf(RangeError)
    expect(await values.next()).toEqual({ done: true, value: undefined })
  })

  it('that is aborted rejects, and ends the handler', async () => {
    const { client, ledger } = await open()
    const controller = new AbortController()
    const values = client.count.with({ signal: controller.signal }).iterate(1_000_000)
    await values.next()
    controller.abort()
    await expect(
      (async () => {
        for await (const _ of values);
      })(),
    ).rejects.toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
    while (ledger.left === 0) await client.add(1, 1)
  })

  it('of what yields nothing is an error, and so is a plain call of what does', async () => {
    const { client } = await open()
    await expect(
      (client.add as never as Handlers['count'] & { iterate(): AsyncIterator<number> }).iterate().next(),
    ).rejects.toBeInstanceOf(TypeError)
    await expect(client.letters()).rejects.toBeInstanceOf(TypeError)
  })
})

describe('the end', () => {
  it('of the channel, by close, rejects what is not answered, and aborts the handlers', async () => {
    const { client, near, server, ledger } = await open()
    const call = client.wait()
    await ledger.until(1)
    await near.close()
    await expect(call).rejects.toMatchObject({ code: 'ERR_STRAIT_CLOSED' })
    expect(await server.done).toBeUndefined()
    expect(ledger.aborted[0]).toMatchObject({ code: 'ERR_STRAIT_CLOSED' })
    await expect(client.add(1, 1)).rejects.toMatchObject({ code: 'ERR_STRAIT_CLOSED' })
  })

  it('of the other end, by abort, is the failure of the channel', async () => {
    const { client, far, server, ledger } = await open('tcp://127.0.0.1:0')
    const call = client.wait()
    await ledger.until(1)
    far.abort()
    await expect(call).rejects.toMatchObject({ code: 'ERR_STRAIT_RESET' })
    expect(await server.done).toMatchObject({ code: 'ERR_STRAIT_ABORTED' })
  })

  it.each([
    ['no frame', Uint8Array.of(1, 2, 3)],
    ['a length beyond the message', Uint8Array.of(200, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)],
    ['an unknown kind', Uint8Array.of(8, 0, 0, 0, 99, 0, 0, 0, 1, 0, 0, 0)],
    ['more buffers than there is room for', Uint8Array.of(8, 0, 0, 0, 1, 0, 9, 0, 1, 0, 0, 0)],
  ])('comes with CORRUPT when a peer sends %s', async (_what, bytes) => {
    const { near, server } = await open()
    near.trySend(bytes)
    expect(await server.done).toMatchObject({ code: 'ERR_STRAIT_CORRUPT' })
  })
})

it('an error of a class that only the other end has is a RemoteError of its name', async () => {
  const [near, far] = await mem.pair()
  const server = serve(far, {
    fail() {
      throw new QuotaError('no more')
    },
  })
  const client = createClient<{ fail(): void }>(near)
  const error = await client.fail().then(String, (reason) => reason)
  expect(error).toBeInstanceOf(RemoteError)
  expect(error).toMatchObject({ name: 'QuotaError', message: 'no more' })
  await near.close()
  await server.done
})
