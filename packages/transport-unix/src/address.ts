import { decodePath, StraitError } from '@strait/core'
import { LONGEST_SOCKET_PATH } from '@strait/core/node'

/**
 * The absolute path that a `unix:` URL names.
 *
 * - Errors: `ADDRESS_INVALID` with the reason; `NOT_SUPPORTED` for abstract names.
 */
export function socketPath(url: URL, operation: string): string {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation, url })
  if (url.host !== '') throw invalid(`'${url.host}' is a host; write unix:/${url.host}${url.pathname}`)
  const path = decodePath(url, operation)
  if (path.startsWith('@')) {
    const reason = 'abstract names need the native addon, which this version does not have'
    throw new StraitError('NOT_SUPPORTED', reason, { operation, url })
  }
  if (!path.startsWith('/')) throw invalid('write an absolute path, as in unix:/run/app.sock')
  if (path.endsWith('/')) throw invalid('the path ends in a slash; it must name a file')
  const length = Buffer.byteLength(path)
  if (length > LONGEST_SOCKET_PATH) {
    throw invalid(`the path has ${length} bytes, a socket's path at most ${LONGEST_SOCKET_PATH}`)
  }
  return path
}
