import { decodePath, StraitError } from '@strait/core'
import { LONGEST_SOCKET_PATH } from '@strait/core/node'

/** What a `unix:` URL names: a file, or an abstract name of exactly these bytes. */
export type SocketAddress =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'abstract'; readonly name: Uint8Array }

/**
 * The address that a `unix:` URL names: an absolute path, or an abstract name behind `@`; unix(7).
 *
 * - Errors: `ADDRESS_INVALID` with the reason.
 */
export function socketAddress(url: URL, operation: string): SocketAddress {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation, url })
  if (url.host !== '') throw invalid(`'${url.host}' is a host; write unix:/${url.host}${url.pathname}`)
  const path = decodePath(url, operation)
  const abstract = path.startsWith('@')
  if (!abstract && !path.startsWith('/')) throw invalid('write an absolute path, as in unix:/run/app.sock')
  if (!abstract && path.endsWith('/')) throw invalid('the path ends in a slash; it must name a file')
  if (path === '@') throw invalid('an abstract name has at least one character, as in unix:@app')
  const bytes = new TextEncoder().encode(abstract ? path.slice(1) : path)
  if (bytes.length > LONGEST_SOCKET_PATH) {
    const what = abstract ? 'name has' : 'path has'
    const whose = abstract ? 'an abstract name' : "a socket's path"
    throw invalid(`the ${what} ${bytes.length} bytes, ${whose} at most ${LONGEST_SOCKET_PATH}`)
  }
  return abstract ? { kind: 'abstract', name: bytes } : { kind: 'path', path }
}
