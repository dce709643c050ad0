import { StraitError } from './error.js'

const NAME = /^[A-Za-z0-9._-]{1,64}$/

function invalid(operation: string, address: string, reason: string, cause?: unknown): StraitError {
  return new StraitError('ADDRESS_INVALID', reason, { operation, url: address, cause })
}

/**
 * The address as a URL, refused rather than repaired: WHATWG `URL` would silently fold dot segments, trim blanks and
 * drop line breaks, so the text itself is looked at first.
 *
 * - Errors: `ADDRESS_INVALID` with the reason.
 */
export function parseAddress(address: string | URL, operation: string): URL {
  const text = String(address)
  const fail = (reason: string, cause?: unknown) => invalid(operation, text, reason, cause)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u0020\u007f\\]/.test(text))
    throw fail('blanks, control characters and backslashes must be percent-encoded')
  const scheme = schemeOf(text, operation)
  if (text.includes('#')) throw fail('an address has no fragment; write # as %23')
  if (/\p{Surrogate}/u.test(text)) throw fail('half a surrogate pair is no character')
  const [path = ''] = text.slice(scheme.length + 1).split('?')
  if (hasDotSegment(path.replace(/%2e/gi, '.')))
    throw fail('dot segments are refused; write the path in full')
  if (/^\/\/[^/]*@/.test(path)) throw fail('a user does not belong into an address; write @ in a path as %40')
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw fail('not a URL', cause)
  }
  if (!sameHost(path, url))
    throw fail(`write the host behind // and in plain form, as in ${scheme}://127.0.0.1:80`)
  return url
}

/**
 * The scheme of an address, without its colon.
 *
 * - Errors: `ADDRESS_INVALID` there is none.
 */
export function schemeOf(address: string | URL, operation: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/.exec(String(address))?.[1]
  if (scheme !== undefined) return scheme
  throw invalid(operation, String(address), 'an address begins with a scheme in small letters, such as unix:')
}

/** For a scheme that browsers know, `URL` takes `ws:x` for `ws://x/`, and `0x7f.1` for `127.0.0.1`. */
function sameHost(path: string, url: URL): boolean {
  const written = /^\/\/([^/]*?)(?::\d*)?(?:\/|$)/.exec(path)?.[1] ?? ''
  return written.toLowerCase() === url.hostname.toLowerCase()
}

const hasDotSegment = (path: string) => path.split('/').some((segment) => segment === '.' || segment === '..')

/** Refuses query keys that the transport does not know. */
export function checkQuery(url: URL, operation: string, known: readonly string[] = []): void {
  for (const key of new Set(url.searchParams.keys())) {
    if (!known.includes(key)) throw invalid(operation, url.href, `unknown parameter '${key}'`)
    if (url.searchParams.getAll(key).length > 1)
      throw invalid(operation, url.href, `parameter '${key}' stands twice`)
  }
}

/** The path, percent-decoded once. */
export function decodePath(url: URL, operation: string): string {
  let path: string
  try {
    path = decodeURIComponent(url.pathname)
  } catch (cause) {
    throw invalid(operation, url.href, 'malformed percent-encoding', cause)
  }
  if (path.includes('\0')) throw invalid(operation, url.href, 'a path has no zero byte')
  if (hasDotSegment(path))
    throw invalid(operation, url.href, 'dot segments are refused; write the path in full')
  return path
}

/** The bare name of `scheme:name`, so that one word swaps the transport. */
export function bareName(url: URL, operation: string): string {
  const name = url.host === '' ? decodePath(url, operation) : url.host
  if (url.host !== '' || !NAME.test(name)) {
    throw invalid(operation, url.href, `a name is 1 to 64 of A-Z a-z 0-9 . _ -, as in ${url.protocol}jobs`)
  }
  return name
}
