import { StraitError } from '@strait/core'
import { native } from '@strait/posix'
import { WAITS, type Wait } from './waits.js'

/** What an address may have besides `at`. */
export const PARAMETERS = ['wait', 'ring']

const DEFAULT_RING = 64 * 1024

/** How this end waits; and how large the rings are that it makes, in bytes, of which only a listener makes any. */
export interface Parameters {
  readonly wait: Wait
  readonly ring: number
}

/** - Errors: `ADDRESS_INVALID`. */
export function parametersOf(url: URL, operation: string): Parameters {
  const invalid = (reason: string) => new StraitError('ADDRESS_INVALID', reason, { operation, url })
  const query = url.searchParams
  const chosen = query.get('wait') ?? 'adaptive'
  const wait = WAITS.find((each) => each === chosen)
  if (wait === undefined) throw invalid(`wait is ${WAITS.join(', ')}, not '${chosen}'`)
  const written = query.get('ring') ?? String(DEFAULT_RING)
  const ring = /^\d+$/.test(written) ? Number(written) : Number.NaN
  if (!(native().ringsSize(ring) > 0))
    throw invalid(`ring is a power of two from 4096 to 67108864, in bytes, not '${written}'`)
  return { wait, ring }
}
