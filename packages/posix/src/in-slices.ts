import { checkTimeout, StraitError, type SyncWaitOptions } from '@strait/core'
import { BLOCK } from './waiting.js'

/**
 * Blocks the thread until there is a result. The call waits for at most so many ms, 0: not at all; between two of them
 * the thread is back in JavaScript.
 *
 * - Errors: what the call throws; `TIMEOUT` after so many ms; `RangeError` that is no number.
 */
export function inSlices<T>(
  operation: string,
  name: string,
  call: (ms: number) => T | undefined,
  { timeout }: SyncWaitOptions = {},
): T {
  checkTimeout(timeout)
  const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout
  let result = call(0)
  while (result === undefined) {
    const left = deadline - performance.now()
    if (left <= 0) throw new StraitError('TIMEOUT', `nothing within ${timeout} ms`, { operation, url: name })
    result = call(Math.ceil(Math.min(left, BLOCK)))
  }
  return result
}
