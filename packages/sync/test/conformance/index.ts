import { barrier } from './barrier.js'
import { closing } from './closing.js'
import { condition } from './condition.js'
import { event } from './event.js'
import { mutex } from './mutex.js'
import { mutexDeath } from './mutex-death.js'
import { mutexWaiting } from './mutex-waiting.js'
import { numbers } from './numbers.js'
import { rwLock } from './rwlock.js'
import { rwLockDeath } from './rwlock-death.js'
import { semaphore } from './semaphore.js'
import { semaphoreWaiting } from './semaphore-waiting.js'
import { type Group, type Home, type Runner, runTrial, type Trial } from './trial.js'
import { waiting } from './waiting.js'

export type { Home, Place, Runner } from './trial.js'

const GROUPS: [string, ...((group: Group) => void)[]][] = [
  ['Mutex', mutex, mutexWaiting, mutexDeath],
  ['Semaphore', semaphore, semaphoreWaiting],
  ['Event', event],
  ['Condition', condition],
  ['Barrier', barrier],
  ['RWLock', rwLock, rwLockDeath],
  ['Each of them', waiting, closing, numbers],
]

/**
 * What the primitives promise as tests, for one home. What is tested follows from who lives there: nobody dies, and
 * nobody blocks, where all have one event loop.
 */
export function primitives(runner: Runner, home: Home): void {
  for (const [name, ...registrations] of GROUPS) {
    runner.describe(`${name}, ${home.name}`, () => {
      const test = (title: string, body: (trial: Trial) => Promise<void>) =>
        runner.it(title, () => runTrial(home, body))
      const none = () => {}
      const group = { test, mortal: home.mortal ? test : none, parallel: home.parallel ? test : none }
      for (const register of registrations) register(group)
    })
  }
}
