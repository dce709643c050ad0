/** Why an operation failed. One cause has one code, in every transport. Stable within a major version. */
export type ErrorCode =
  | 'ABORTED'
  | 'TIMEOUT'
  | 'CLOSED'
  | 'RESET'
  | 'TRUNCATED'
  | 'CORRUPT'
  | 'TOO_LARGE'
  | 'REFUSED'
  | 'ADDRESS_IN_USE'
  | 'ADDRESS_INVALID'
  | 'PERMISSION'
  | 'AUTH_FAILED'
  | 'NOT_SUPPORTED'
  | 'NO_RESOURCES'
  | 'OWNER_DIED'
  | 'DEADLOCK'
  | 'SYSTEM'

export interface StraitErrorContext {
  /** The verb that failed: `connect`, `send`, … */
  operation: string
  url?: URL | string | undefined
  cause?: unknown
}

/** Control characters as JSON writes them, so that nobody's bytes can break a line of a log. */
const oneLine = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })

/**
 * The one class of error. `code` is `ERR_STRAIT_` and an {@link ErrorCode}; check it rather than the message, which
 * may change. A programmer's mistake is a `TypeError` or `RangeError` instead.
 */
export class StraitError extends Error {
  readonly code: `ERR_STRAIT_${ErrorCode}`
  readonly operation: string
  readonly url: string | undefined
  /** The message without the operation and the address. */
  readonly reason: string

  constructor(code: ErrorCode, reason: string, { operation, url, cause }: StraitErrorContext) {
    const where = url === undefined ? undefined : oneLine(String(url))
    super(
      `${operation}${where === undefined ? '' : ` ${where}`}: ${oneLine(reason)}`,
      cause === undefined ? undefined : { cause },
    )
    this.name = code === 'ABORTED' ? 'AbortError' : 'StraitError'
    this.code = `ERR_STRAIT_${code}`
    this.operation = operation
    this.reason = oneLine(reason)
    this.url = where
  }

  /** Whether `error` is a StraitError, of this code where one is given. */
  static is(error: unknown, code?: ErrorCode): error is StraitError {
    return error instanceof StraitError && (code === undefined || error.code === `ERR_STRAIT_${code}`)
  }
}

/** The rejection of an operation whose signal was aborted; the signal's reason is the cause. */
export function abortedError(operation: string, url: URL | string | undefined, reason: unknown): StraitError {
  return new StraitError('ABORTED', 'aborted', { operation, url, cause: reason })
}

/** Throws {@link abortedError} when the signal is aborted already. */
export function throwIfAborted(
  operation: string,
  url: URL | string | undefined,
  signal: AbortSignal | undefined,
): void {
  if (signal?.aborted) throw abortedError(operation, url, signal.reason)
}
