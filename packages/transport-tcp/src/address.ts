import { StraitError } from '@strait/core'

/**
 * Host and port of a `tcp:` URL. Both must be written: a listener that listens everywhere says so (`tcp://0.0.0.0:…`).
 *
 * - Errors: `ADDRESS_INVALID` with the reason.
 */
export function endpoint(url: URL, operation: 'listen' | 'connect'): { host: string; port: number } {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation, url })
  if (url.hostname === '') throw invalid('write tcp://host:port')
  if (url.port === '') throw invalid('the port is missing, as in tcp://127.0.0.1:7000')
  if (url.pathname !== '' && url.pathname !== '/') throw invalid('an address of TCP has no path')
  const port = Number(url.port)
  if (port === 0 && operation === 'connect') throw invalid('nobody listens on port 0')
  if (url.hostname.includes('%')) throw invalid('a host has no percent-encoding')
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }
}
