import { decodePath, StraitError } from '@strait/core'
import { LONGEST_SOCKET_PATH } from '@strait/core/node'

/**
 * Host and port of a `zmq+tcp:` URL. Both must be written: a listener that listens everywhere says so.
 *
 * - Errors: `ADDRESS_INVALID` with the reason.
 */
export function endpoint(url: URL, operation: 'listen' | 'connect'): { host: string; port: number } {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation, url })
  if (url.hostname === '') throw invalid('write zmq+tcp://host:port')
  if (url.port === '') throw invalid('the port is missing, as in zmq+tcp://127.0.0.1:7000')
  if (url.pathname !== '' && url.pathname !== '/') throw invalid('an address of TCP has no path')
  const port = Number(url.port)
  if (port === 0 && operation === 'connect') throw invalid('nobody listens on port 0')
  if (url.hostname.includes('%')) throw invalid('a host has no percent-encoding')
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }
}

/**
 * The absolute path, or the abstract name with its `@`, that a `zmq+ipc:` URL names.
 *
 * - Errors: `ADDRESS_INVALID` with the reason.
 */
export function socketName(url: URL, operation: 'listen' | 'connect'): string {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation, url })
  if (url.host !== '') throw invalid(`'${url.host}' is a host; write zmq+ipc:/${url.host}${url.pathname}`)
  const path = decodePath(url, operation)
  if (isAbstract(path)) {
    if (/^@[A-Za-z0-9._-]{1,64}$/.test(path)) return path
    throw invalid('an abstract name is 1 to 64 of A-Z a-z 0-9 . _ -, as in zmq+ipc:@jobs')
  }
  if (!path.startsWith('/')) throw invalid('write an absolute path, as in zmq+ipc:/run/app.sock')
  if (path.endsWith('/')) throw invalid('the path ends in a slash; it must name a file')
  const length = Buffer.byteLength(path)
  if (length > LONGEST_SOCKET_PATH) {
    throw invalid(`the path has ${length} bytes, a socket's path at most ${LONGEST_SOCKET_PATH}`)
  }
  return path
}

/** Abstract names are of no file system; unix(7). */
export const isAbstract = (name: string): boolean => name.startsWith('@')
