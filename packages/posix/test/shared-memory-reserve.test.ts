import { fstatSync, readSync, writeSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { native, SharedMemory } from '../src/index.js'

const SIZE = 4 * 1024 * 1024
const BLOCK = 512

/** The bytes that it has taken from the machine. */
const taken = (memory: SharedMemory) => fstatSync(memory.descriptor).blocks * BLOCK

describe('SharedMemory.anonymous that is not reserved', () => {
  it('takes nothing before it is touched, and then only what is', () => {
    using memory = SharedMemory.anonymous(SIZE, { reserve: false })
    expect([memory.size, memory.bytes.length, fstatSync(memory.descriptor).size]).toEqual([SIZE, SIZE, SIZE])
    expect(taken(memory)).toBe(0)
    memory.bytes[SIZE - 1] = 1
    expect(taken(memory)).toBeGreaterThan(0)
    expect(taken(memory)).toBeLessThan(SIZE)
    expect([memory.bytes[0], memory.bytes[SIZE - 2], memory.bytes[SIZE - 1]]).toEqual([0, 0, 1])
    memory.bytes.fill(2)
    expect(taken(memory)).toBeGreaterThanOrEqual(SIZE)
  })

  it('is otherwise all taken at once, unless told', () => {
    using first = SharedMemory.anonymous(SIZE)
    using second = SharedMemory.anonymous(SIZE, { reserve: true, seals: ['shrink'] })
    expect(taken(first)).toBeGreaterThanOrEqual(SIZE)
    expect(taken(second)).toBeGreaterThanOrEqual(SIZE)
  })

  it('has its seals and its size from the beginning, and all zeros', () => {
    using memory = SharedMemory.anonymous(SIZE, { reserve: false, seals: ['shrink', 'grow', 'seal'] })
    expect([...memory.seals].sort()).toEqual(['grow', 'seal', 'shrink'])
    const denied = expect.objectContaining({ code: 'ERR_STRAIT_PERMISSION' })
    expect(() => memory.resize(SIZE / 2)).toThrow(denied)
    expect(() => memory.resize(2 * SIZE)).toThrow(denied)
    expect(() => memory.seal('write')).toThrow(denied)
    expect(memory.bytes.every((byte) => byte === 0)).toBe(true)
    // Looking takes no memory either.
    expect([memory.size, memory.created]).toEqual([SIZE, true])
  })

  it('is the same memory for whoever gets the descriptor', () => {
    using memory = SharedMemory.anonymous(SIZE, { reserve: false, seals: ['shrink', 'grow', 'seal'] })
    using other = SharedMemory.fromDescriptor(native().duplicate(memory.descriptor), {
      seals: ['shrink', 'grow', 'seal'],
      size: SIZE,
    })
    other.bytes[12_345] = 7
    expect(memory.bytes[12_345]).toBe(7)
    writeSync(memory.descriptor, Uint8Array.of(9), 0, 1, 5)
    expect(other.bytes[5]).toBe(9)
    const read = new Uint8Array(1)
    readSync(memory.descriptor, read, 0, 1, 12_345)
    expect(read[0]).toBe(7)
  })

  it('of a size that is none is refused', () => {
    for (const size of [0, -1, 0.5, Number.NaN, 2 ** 60])
      expect(() => SharedMemory.anonymous(size, { reserve: false }), String(size)).toThrow(RangeError)
  })
})
