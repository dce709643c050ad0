import { inspect } from 'node:util'
import { encodeArguments } from '@strait/rpc/caller'
import { describe, expect, it } from 'vitest'
import { Plain, readPlain } from '../src/plain.js'
import { values } from '../src/values.js'

const named = (cases: unknown[]) => cases.map((value) => [inspect(value, { maxStringLength: 20 }), value])

/** There and back, from the midst of other bytes. */
function carried(value: unknown, body = values.capture!(value) ?? values.encode(value)): unknown {
  const bytes = new Uint8Array(body.length + 20).fill(255)
  if (body instanceof Uint8Array) bytes.set(body, 10)
  else body.writeTo(bytes, 10)
  expect(bytes.subarray(0, 10)).toEqual(new Uint8Array(10).fill(255))
  expect(bytes.subarray(10 + body.length)).toEqual(new Uint8Array(10).fill(255))
  return values.decodeAt!(bytes, 10, 10 + body.length)
}

const PLAIN = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  255,
  -256,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  0.1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.MIN_VALUE,
  '',
  'add',
  'ÿ\0é',
  'x'.repeat(64),
]

const OTHERS = [
  'x'.repeat(65),
  'x'.repeat(10_000),
  '漢字',
  '\ud800 alone',
  'a\udfff',
  12n,
  { a: 1 },
  new Date(5),
  new Map([[1, [2]]]),
  [[1]],
  [1, { a: 1 }],
  Array.from({ length: 17 }, (_, index) => index),
  Object.assign([1], { named: 2 }),
]

describe('what jobs take and give', () => {
  it.each(named(PLAIN))('%s arrives as it was, without an array of bytes', (_, value) => {
    expect(values.capture!(value)).toBeInstanceOf(Plain)
    expect(carried(value)).toBe(value)
    expect(carried([value, 7])).toStrictEqual([value, 7])
    expect(carried([value, 7], values.captureList!([value, 7]))).toStrictEqual([value, 7])
    expect(values.decode(values.encode(value))).toBe(value)
  })

  it.each(named(OTHERS))('%s arrives as it was, in its longer form', (_, value) => {
    expect(values.capture!(value)).toBeUndefined()
    expect(values.captureList!([value])).toBeUndefined()
    expect(carried(value)).toStrictEqual(structuredClone(value))
  })

  it('a list with holes keeps them', () => {
    // biome-ignore lint/suspicious/noSparseArray: it is what this is about
    const list = [1, , 3]
    const back = carried(list) as unknown[]
    expect(back).toHaveLength(3)
    expect(1 in back).toBe(false)
  })

  it('an empty list arrives', () => expect(carried([], values.captureList!([]))).toStrictEqual([]))

  it('arguments are what they were when they were given', () => {
    const args = [1, 'two']
    const { body } = encodeArguments(values, args)
    args[0] = 9
    args.push('more')
    const bytes = new Uint8Array(body!.length)
    if (body instanceof Plain) body.writeTo(bytes, 0)
    expect(readPlain(bytes, 0, bytes.length)).toStrictEqual([1, 'two'])
  })

  it('no bytes but its own are taken for a value', () => {
    const body = Plain.list([1, 0.5, 'text', null])!
    const bytes = new Uint8Array(body.length)
    body.writeTo(bytes, 0)
    for (let end = 0; end < bytes.length; end++) {
      expect(() => readPlain(bytes.slice(0, end), 0, end)).toThrow(RangeError)
    }
    expect(() => readPlain(bytes, 0, bytes.length - 1)).toThrow(RangeError)
    expect(() => readPlain(Uint8Array.of(8), 0, 1)).toThrow(RangeError)
    expect(() => readPlain(Uint8Array.of(7, 200), 0, 2)).toThrow(RangeError)
    expect(() => readPlain(Uint8Array.of(7, 1, 7, 0), 0, 4)).toThrow(RangeError)
    expect(() => readPlain(Uint8Array.of(6, 5, 65), 0, 3)).toThrow(RangeError)
  })
})
