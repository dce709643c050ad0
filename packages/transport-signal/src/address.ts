import { StraitError } from '@strait/core'
import { native } from '@strait/posix'
import { CHANNELS } from './word.js'

const system = native('load')

/**
 * Where an end of a channel receives, as it tells the other end:
 *
 * ```text
 *  0             4               6               8
 *  +-------------+---------------+---------------+
 *  | tid, u32 LE | number, u16 LE| signal, u16 LE|
 *  +-------------+---------------+---------------+
 * ```
 *
 * The process is not told: the kernel knows it.
 */
export interface Address {
  readonly tid: number
  readonly number: number
  readonly signal: number
}

const SIZE = 8

export function encodeAddress({ tid, number, signal }: Address): Uint8Array {
  const bytes = new Uint8Array(SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, tid, true)
  view.setUint16(4, number, true)
  view.setUint16(6, signal, true)
  return bytes
}

/** - Errors: `CORRUPT`: anything else than a real-time signal could do harm. */
export function decodeAddress(bytes: Uint8Array, operation: string, url: URL): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length === SIZE) {
    const [tid, number, signal] = [view.getInt32(0, true), view.getUint16(4, true), view.getUint16(6, true)]
    const isSignal = signal >= system.SIGRTMIN && signal <= system.SIGRTMAX
    if (tid > 0 && number < CHANNELS && isSignal) return { tid, number, signal }
  }
  throw new StraitError('CORRUPT', 'the other end told something else than where it receives', {
    operation,
    url,
  })
}
