import { describe, expect, it } from 'vitest'
import { json, raw, typed } from '../src/codec.js'
import { mem } from '../src/mem.js'
import { structuredClone } from '../src/node/structured-clone.js'
import { text, utf8 } from './support/link.js'

const corrupt = expect.objectContaining({ code: 'ERR_STRAIT_CORRUPT' })

describe('raw', () => {
  it('is the bytes themselves', async () => {
    const bytes = utf8('abc')
    expect(raw.encode(bytes)).toBe(bytes)
    expect(raw.decode(bytes)).toBe(bytes)
  })
})

describe('json', () => {
  it.each([[null], [0], [''], ['é😀\0'], [[]], [{}], [{ a: [1, { b: false }] }], [-1.5e300]])(
    'carries %j',
    (value) => {
      expect(json.decode(json.encode(value))).toEqual(value)
    },
  )

  it.each([[undefined], [() => 1], [Symbol('x')]])('has no form for %s', (value) => {
    expect(() => json.encode(value)).toThrow(TypeError)
  })

  it('passes the errors of JSON on', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect(() => json.encode(cycle)).toThrow(TypeError)
    expect(() => json.encode(1n)).toThrow(TypeError)
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['half a value', utf8('{"a":')],
    ['two values', utf8('1 2')],
    ['text that is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
  ])('does not decode %s', (_, bytes) => {
    expect(() => json.decode(bytes)).toThrow()
  })
})

describe('structuredClone', () => {
  it('carries what JSON cannot', () => {
    const value = {
      map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1n, 'two'])]]),
      date: new Date(0),
      big: 2n ** 100n,
      nothing: undefined,
      notANumber: Number.NaN,
      bytes: Uint8Array.of(1, 2, 3),
      pattern: /x/giu,
      error: new RangeError('no'),
      // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
      sparse: [1, , 3],
    }
    expect(structuredClone.decode(structuredClone.encode(value))).toEqual(value)
  })

  it('keeps cycles and identities', () => {
    const shared = { n: 1 }
    const value: { a: object; b: object; self?: unknown } = { a: shared, b: shared }
    value.self = value
    const clone = structuredClone.decode(structuredClone.encode(value))
    expect(clone.self).toBe(clone)
    expect(clone.a).toBe(clone.b)
  })

  it('refuses undefined, and passes on what V8 says of a function', () => {
    expect(() => structuredClone.encode(undefined)).toThrow(TypeError)
    expect(() => structuredClone.encode(() => 1)).toThrow()
  })

  it('is a plain Uint8Array that a channel takes, and decodes from any alignment', async () => {
    const bytes = structuredClone.encode({ numbers: new Float64Array([1.5, 2.5]) })
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    for (let shift = 0; shift < 9; shift++) {
      const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
      shifted.set(bytes)
      expect(structuredClone.decode(shifted)).toEqual({ numbers: new Float64Array([1.5, 2.5]) })
    }
  })

  it('garbage ends in an error, not in a crash', () => {
    const good = structuredClone.encode({ a: [1, 2, 3], b: new Map([[1, 2]]) })
    for (let length = 0; length < good.length; length++)
      expect(() => structuredClone.decode(good.slice(0, length))).toThrow()
    for (let at = 0; at < good.length; at++) {
      const bad = good.slice()
      bad[at]! ^= 0xff
      try {
        structuredClone.decode(bad)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }
  })
})

describe('typed', () => {
  it('sends and receives values, by every verb', async () => {
    const [a, b] = await mem.pair()
    const left = typed(a, json)
    const right = typed(b, json)
    await left.send({ n: 1 })
    expect(left.trySend([2])).toBe(true)
    await left.send('three')
    expect(await right.receive()).toEqual({ n: 1 })
    expect(right.tryReceive()).toEqual([2])
    for await (const value of right) {
      expect(value).toBe('three')
      break
    }
    expect(right.tryReceive()).toBeUndefined()
    const closing = left.close()
    expect(await right.receive()).toBeUndefined()
    await closing
    await b.closed
  })

  it('a value that cannot be encoded is the codec’s error, and nothing is sent', async () => {
    const [a, b] = await mem.pair()
    const left = typed(a, json)
    await expect(left.send(undefined)).rejects.toBeInstanceOf(TypeError)
    expect(() => left.trySend(undefined)).toThrow(TypeError)
    await left.send('next')
    expect(text(await b.receive())).toBe('"next"')
    await Promise.all([a.close(), b.close()])
  })

  it('a message that cannot be decoded is CORRUPT; it is taken, and the channel lives on', async () => {
    const [a, b] = await mem.pair()
    const right = typed(b, json)
    for (const message of ['{', '1', '{', '2', '{', '3']) await a.send(utf8(message))
    await expect(right.receive()).rejects.toEqual(corrupt)
    expect(await right.receive()).toBe(1)
    expect(() => right.tryReceive()).toThrow(corrupt)
    expect(right.tryReceive()).toBe(2)
    await expect(
      (async () => {
        for await (const _ of right);
      })(),
    ).rejects.toEqual(corrupt)
    for await (const value of right) {
      expect(value).toBe(3)
      break
    }
    expect(b.state).toBe('open')
    await a.send(utf8('{'))
    const error = await right.receive().catch((error) => error)
    expect(error.cause).toBeInstanceOf(SyntaxError)
    expect(error.message).toContain('json')
    await Promise.all([a.close(), b.close()])
  })

  it('C9 hands the signal on', async () => {
    const [a, b] = await mem.pair()
    const right = typed(b, json)
    const controller = new AbortController()
    const receiving = right.receive({ signal: controller.signal })
    controller.abort()
    await expect(receiving).rejects.toMatchObject({ name: 'AbortError' })
    await expect(right.send(1, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    a.abort()
    await expect(right.receive()).rejects.toMatchObject({ code: 'ERR_STRAIT_RESET' })
    await right[Symbol.asyncDispose]()
  })
})
