import type { ConnectOptions } from './channel.js'
import { abortedError, StraitError } from './error.js'

/** Between two attempts, in ms; doubled each time. */
const FIRST_PAUSE = 5
const LONGEST_PAUSE = 100

/**
 * The same `connect`, which with `wait` tries again while nobody listens. The mechanisms have no common sign that a
 * listener has come, so it asks, ever more slowly.
 *
 * - Errors: those of `connect`; `REFUSED` says how long it has waited.
 */
export function patient<C, O extends ConnectOptions>(
  connect: (url: URL, options: O) => Promise<C>,
): (url: URL, options?: O) => Promise<C> {
  return async (url, options = {} as O) => {
    const { wait = 0, signal } = options
    if (!(wait >= 0 && wait <= 0x7fffffff)) throw new RangeError(`wait must be 0 ms or more, got ${wait}`)
    const start = performance.now()
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        return await connect(url, options)
      } catch (error) {
        if (wait === 0 || !StraitError.is(error, 'REFUSED')) throw error
        const left = wait - (performance.now() - start)
        if (left <= 0) {
          const reason = `nobody came to listen within ${wait} ms`
          throw new StraitError('REFUSED', reason, { operation: 'connect', url, cause: error })
        }
        await sleep(Math.min(pause, left), signal)
        if (signal?.aborted) throw abortedError('connect', url, signal.reason)
      }
    }
  }
}

/** Resolves after so many ms, or when the signal is aborted. */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal?.addEventListener('abort', wake, { once: true })
  })
}
