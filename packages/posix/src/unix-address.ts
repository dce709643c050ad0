import { StraitError } from '@strait/core'
import { openSocketPath } from '@strait/core/node'

/**
 * Where a Unix socket is found: a path, or an abstract name, which is no file and vanishes with its socket; unix(7).
 * An abstract name has exactly its own bytes, of which any may be anything; a string stands for its UTF-8.
 */
export type UnixAddress = string | { readonly abstract: string | Uint8Array }

/** Room in `sun_path`: a path needs one byte more for its closing zero, an abstract name one in front. */
const LONGEST = 107

/** What stands in `sun_path`. Nothing is ever cut. Errors: `ADDRESS_INVALID` with the reason. */
export function encodeAddress(address: UnixAddress, operation: string): Uint8Array {
  const invalid = (reason: string) =>
    new StraitError('ADDRESS_INVALID', reason, { operation, url: nameOf(address) })
  const path = typeof address === 'string'
  const given = path ? address : address.abstract
  const bytes = typeof given === 'string' ? new TextEncoder().encode(given) : given
  const what = path ? 'a path' : 'an abstract name'
  if (bytes.length === 0) throw invalid(`${what} has at least one byte`)
  if (bytes.length > LONGEST) throw invalid(`${what} has at most ${LONGEST} bytes, not ${bytes.length}`)
  if (!path) return Uint8Array.of(0, ...bytes)
  if (bytes.includes(0)) throw invalid('a path has no zero byte; `{ abstract: … }` is an abstract name')
  return bytes
}

/** Of what the kernel says; undefined: a socket without an address. */
export function decodeAddress(bytes: Uint8Array): UnixAddress | undefined {
  if (bytes.length === 0) return undefined
  const abstract = bytes[0] === 0
  const rest = bytes.slice(abstract ? 1 : 0)
  if (!abstract) return Buffer.from(rest).toString()
  try {
    return { abstract: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(rest) }
  } catch {
    return { abstract: rest }
  }
}

/** What errors call it. */
export function nameOf(address: UnixAddress | undefined): string {
  if (address === undefined) return 'unix:'
  if (typeof address === 'string') return `unix:${address}`
  const { abstract } = address
  return `unix:@${typeof abstract === 'string' ? abstract : Buffer.from(abstract).toString('latin1')}`
}

/**
 * The address as the kernel is to be asked for it: a path never leads through a symbolic link at its end, and never to
 * a socket of another user than this one, root or `owner`. Call `close` afterwards.
 *
 * - Errors: `REFUSED` nothing is there; `PERMISSION`; `ADDRESS_INVALID` no socket.
 */
export function reach(
  address: UnixAddress,
  operation: string,
  owner: number | undefined,
): { bytes: Uint8Array; close(): void } {
  const bytes = encodeAddress(address, operation)
  if (typeof address !== 'string') return { bytes, close() {} }
  const url = new URL(`unix:${address.split('/').map(encodeURIComponent).join('/')}`)
  const { path, close } = openSocketPath(address, url, owner)
  return { bytes: new TextEncoder().encode(path), close }
}
