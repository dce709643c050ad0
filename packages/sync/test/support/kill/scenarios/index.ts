import { BARRIER } from './barrier.js'
import { CONDITION } from './condition.js'
import { EVENT } from './event.js'
import { MUTEX } from './mutex.js'
import { REGION } from './region.js'
import { RWLOCK } from './rwlock.js'
import type { Scenario } from './scenario.js'
import { SEMAPHORE } from './semaphore.js'

/** In which somebody is killed at each point of each algorithm. */
export const SCENARIOS: readonly Scenario[] = [
  ...MUTEX,
  ...SEMAPHORE,
  ...EVENT,
  ...CONDITION,
  ...BARRIER,
  ...RWLOCK,
  ...REGION,
]
