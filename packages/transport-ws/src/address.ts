import { checkQuery, StraitError } from '@strait/core'

export type Scheme = 'ws' | 'wss'

const DEFAULT_PORT = { ws: 80, wss: 443 }

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** As it stands in the first line of the HTTP request. */
  readonly path: string
}

/**
 * Host, port and path of a `ws:` or `wss:` URL. What URLs are like holds: the path of `ws://host` is `/`, and port 80
 * of `ws:` and 443 of `wss:` need not be written.
 *
 * - Errors: `ADDRESS_INVALID` with the reason.
 */
export function endpoint(url: URL, scheme: Scheme, operation: 'listen' | 'connect'): Endpoint {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation, url })
  if (url.protocol !== `${scheme}:`) throw invalid(`write ${scheme}://host:port/path`)
  if (url.username !== '' || url.password !== '') throw invalid('a user does not belong into an address')
  if (url.hash !== '') throw invalid('an address has no fragment; write # as %23')
  checkQuery(url, operation)
  const port = url.port === '' ? DEFAULT_PORT[scheme] : Number(url.port)
  if (port === 0 && operation === 'connect') throw invalid('nobody listens on port 0')
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, path: url.pathname }
}
