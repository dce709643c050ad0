import { bareName, checkQuery, StraitError } from '@strait/core'
import { LONGEST_SOCKET_PATH } from '@strait/core/node'

/** Where two processes meet: an abstract name, or with `?at=` a socket file. */
export type Place =
  | { readonly kind: 'abstract'; readonly name: string; readonly address: Uint8Array }
  | { readonly kind: 'file'; readonly path: string }

/**
 * Where a `scheme:name` or `scheme:name?at=/path` has its meeting place. `own` are further parameters, which are the
 * transport's to read.
 *
 * The abstract name bears the user's number, so that users do not get in each other's way; who really holds it, the
 * credentials tell.
 *
 * - Errors: `ADDRESS_INVALID` with the reason.
 */
export function placeOf(url: URL, operation: string, uid: number, own: readonly string[] = []): Place {
  const name = bareName(url, operation)
  checkQuery(url, operation, ['at', ...own])
  if (url.searchParams.has('at')) return { kind: 'file', path: socketFile(url, operation) }
  const abstract = `strait/${uid}/${url.protocol.slice(0, -1)}/${name}`
  return { kind: 'abstract', name: abstract, address: new TextEncoder().encode(`\0${abstract}`) }
}

function socketFile(url: URL, operation: string): string {
  const invalid = (reason: string, cause?: unknown) =>
    new StraitError('ADDRESS_INVALID', reason, { operation, url, cause })
  // Not as `searchParams` has it, to which a plus is a blank.
  const parts = url.search.slice(1).split('&')
  const part = parts.find((each) => new URLSearchParams(each).has('at'))!
  const written = part.includes('=') ? part.slice(part.indexOf('=') + 1) : ''
  let at: string
  try {
    at = decodeURIComponent(written)
  } catch (cause) {
    throw invalid('malformed percent-encoding', cause)
  }
  if (!at.startsWith('/')) throw invalid('`at` is an absolute path, as in ?at=/run/app.sock')
  if (at.endsWith('/')) throw invalid('`at` ends in a slash; it must name a file')
  if (at.includes('\0')) throw invalid('a path has no zero byte')
  if (at.split('/').some((part) => part === '.' || part === '..'))
    throw invalid('dot segments are refused; write the path in full')
  const length = Buffer.byteLength(at)
  if (length > LONGEST_SOCKET_PATH) {
    throw invalid(`\`at\` has ${length} bytes, a socket's path at most ${LONGEST_SOCKET_PATH}`)
  }
  return at
}

/** Abstract names of listeners, as /proc/net/unix shows them. */
export const LISTENER_NAME = /^@strait\/(\d+)\/([a-z+-]+)\/([A-Za-z0-9._-]{1,64})$/
