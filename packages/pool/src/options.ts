import { pathToFileURL } from 'node:url'
import { StraitError, schemeOf } from '@strait/core'
import { supported } from '@strait/posix'
import type { CrewSettings } from './crew.js'
import { parallelism } from './parallelism.js'
import type { PoolOptions } from './types.js'

const IDLE_TIMEOUT = 10_000
const GRACE = 1_000
/** What setTimeout takes at most. */
const LONGEST = 2 ** 31 - 1

/** The options with what holds where they say nothing. - Errors: `RangeError`; `ADDRESS_INVALID`. */
export function settingsOf(options: PoolOptions): CrewSettings {
  const {
    entry,
    url = supported ? 'shm:' : 'unix:',
    initialize,
    maxMessageSize,
    env,
    execArgv,
    cwd,
  } = options
  if (schemeOf(url, 'pool') === 'mem') {
    throw new StraitError('ADDRESS_INVALID', 'its peers are in this thread: worker: has threads', {
      operation: 'pool',
      url,
    })
  }
  const workers = whole('workers', options.workers, 1) ?? parallelism()
  const max = whole('max', options.max, 1) ?? Math.max(workers, options.min ?? 1)
  const min = whole('min', options.min, 0) ?? (options.max === undefined ? workers : 0)
  if (min > max) throw new RangeError(`min is ${min}, and max is ${max}`)
  return {
    url,
    entry: entry instanceof URL ? entry.href : pathToFileURL(entry).href,
    initialize,
    min,
    max,
    idleTimeout: whole('idleTimeout', options.idleTimeout, 0, LONGEST) ?? IDLE_TIMEOUT,
    maxJobs: whole('maxJobs', options.maxJobs, 1) ?? Number.POSITIVE_INFINITY,
    maxMemory: whole('maxMemory', options.maxMemory, 1) ?? Number.POSITIVE_INFINITY,
    grace: whole('grace', options.grace, 0, LONGEST) ?? GRACE,
    spawn: { maxMessageSize, env, execArgv, cwd, stdio: ['ignore', 'inherit', 'pipe'] },
  }
}

/** A whole number in these bounds, or nothing. */
export function whole(
  name: string,
  value: number | undefined,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return value
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}; it is ${value}`)
}
