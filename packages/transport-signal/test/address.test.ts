import { native } from '@strait/posix'
import { describe, expect, it } from 'vitest'
import { decodeAddress, encodeAddress } from '../src/address.js'

const { SIGRTMIN, SIGRTMAX } = native()
const url = new URL('signal:test')
const decode = (bytes: Uint8Array) => decodeAddress(bytes, 'connect', url)

describe('C7 where an end receives', () => {
  it.each([
    { tid: 1, number: 0, signal: SIGRTMIN },
    { tid: 0x7fffffff, number: 8191, signal: SIGRTMAX },
    { tid: 123456, number: 300, signal: SIGRTMAX - 4 },
  ])('is the same on both sides: %o', (address) => {
    expect(decode(encodeAddress(address))).toEqual(address)
  })

  it('is 8 bytes, little-endian', () => {
    const bytes = encodeAddress({ tid: 0x04030201, number: 0x0605, signal: 60 })
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 60, 0))
  })

  it.each([
    ['no thread', { tid: 0, number: 1, signal: SIGRTMIN }],
    ['a group of threads', { tid: -1, number: 1, signal: SIGRTMIN }],
    ['a channel that cannot be', { tid: 1, number: 8192, signal: SIGRTMIN }],
    ['a signal that kills', { tid: 1, number: 1, signal: 9 }],
    ['one that libc has', { tid: 1, number: 1, signal: SIGRTMIN - 1 }],
    ['one beyond the last', { tid: 1, number: 1, signal: SIGRTMAX + 1 }],
  ])('is CORRUPT where it would be %s', (_, address) => {
    expect(() => decode(encodeAddress(address))).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_CORRUPT' }),
    )
  })

  it.each([0, 7, 9, 16])('is CORRUPT with %i bytes', (length) => {
    expect(() => decode(new Uint8Array(length).fill(40))).toThrow(
      expect.objectContaining({ code: 'ERR_STRAIT_CORRUPT' }),
    )
  })
})
