import { describe, expect, it } from 'vitest'
import { type Home, primitives } from './conformance/index.js'
import { oneLoop, threads } from './support/suite/homes.js'
import { mutants } from './support/suite/mutants.mjs'

/** Each broken primitive, and the tests that must fail of it. */
const KILLERS: Record<string, readonly [home: (mutant: string, guard: number) => Home, ...tests: string[]]> =
  {
    'a mutex that lets everybody in': [oneLoop, 'lets one in at a time, and loses no update'],
    'a mutex that nobody gets by trying': [oneLoop, 'tryLock takes a free lock'],
    'a mutex that serves the last one first': [oneLoop, 'those of one event loop are served in the order'],
    'a mutex whose aborted waiter swallows the lock': [oneLoop, 'an aborted wait has acquired nothing'],
    'a mutex that hears no abort': [oneLoop, 'an aborted wait has acquired nothing'],
    'a mutex that a second release takes from the next owner': [
      oneLoop,
      'a guard that has released can do it',
    ],
    'a mutex for whose own thread a blocked one waits': [oneLoop, 'lockSync of a lock that a task'],
    'a mutex that whoever waits is never told of': [oneLoop, 'two tasks of one event loop are two owners'],
    'a mutex that starves whoever waits': [oneLoop, 'who waits gets it although others take it'],
    'a mutex that looks again in each turn of the event loop': [oneLoop, 'whoever waits does nothing'],
    'a mutex for which a blocked thread looks again and again': [threads, 'a thread that blocks asks once'],
    'a mutex whose tryLock waits a little': [threads, 'whoever tries never waits'],
    'a mutex whose tryLock waits': [threads, 'whoever tries never waits'],
    'a mutex that takes any time': [oneLoop, 'what is no time is a RangeError'],
    'a mutex that tells nobody of a death': [threads, 'the next owner is told of a death, once'],
    'a mutex that tells everybody of a death': [threads, 'of those who wait when the owner dies'],
    'a mutex that mends itself in silence': [threads, 'released without a word, it is poisoned'],
    'a semaphore with one more than it says': [oneLoop, 'a Semaphore of three lets three in'],
    'a semaphore that an abort gives a permit': [oneLoop, 'an aborted wait has taken nothing, and loses'],
    'a semaphore that always adds one': [oneLoop, 'release adds permits that nobody held'],
    'a semaphore that forgets nothing': [oneLoop, 'what is forgotten does not come back'],
    'a semaphore that starves whoever waits': [oneLoop, 'who waits gets a permit although others take it'],
    'a semaphore that takes any number': [oneLoop, 'what is no number of permits'],
    'a bounded semaphore without a bound': [oneLoop, 'a bounded one refuses more'],
    'an event of which only those hear who look in time': [oneLoop, 'even when it is cleared at once'],
    'an event that a timer looks at': [threads, 'whoever waits does nothing'],
    'an event whose waits outlive its region': [threads, 'closing ends all that the one who closes does'],
    'a condition whose every notice wakes all': [oneLoop, 'notify wakes one, the longest waiting first'],
    'a condition whose notice to all wakes one': [oneLoop, 'notify wakes one, the longest waiting first'],
    'a condition that comes back without the mutex': [oneLoop, 'wait gives the mutex back, and has it again'],
    'a condition that gives the mutex back before it waits': [
      oneLoop,
      'wait gives the mutex back, and has it',
    ],
    'a barrier that knows no end of its region': [threads, 'closing ends all that the one who closes does'],
    'a barrier that gives everybody the same index': [oneLoop, 'nobody passes before all are there'],
    'a barrier that opens one too early': [oneLoop, 'nobody passes before all are there'],
    'a barrier that counts who has gone': [oneLoop, 'an aborted wait takes its arrival back'],
    'a lock whose readers come in while somebody writes': [oneLoop, 'readers see what writers have finished'],
    'a lock whose readers overtake a writer': [
      oneLoop,
      'no reader overtakes a writer that waits',
      'a writer gets it although readers follow',
    ],
  }

/** What hangs has failed; no test that passes takes nearly as long. */
const GUARD = 1_000

/** The tests of a home, by what they are called. */
function testsOf(home: Home): Map<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>()
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => {
      if (!tests.has(name)) tests.set(name, body)
    },
  }
  primitives(runner, home)
  return tests
}

/** Semaphores and mutexes have some tests of the same name. */
function killerOf(tests: Map<string, () => Promise<void>>, title: string): () => Promise<void> {
  const found = [...tests].filter(([name]) => name.includes(title))
  expect(found, title).toHaveLength(1)
  return found[0]![1]
}

describe('the suite', () => {
  it('has a test for each broken primitive', () => {
    expect(Object.keys(KILLERS).sort()).toEqual(Object.keys(mutants).sort())
  })

  it.each(Object.entries(KILLERS))('fails of %s', async (mutant, [home, ...titles]) => {
    const tests = testsOf(home(mutant, GUARD))
    for (const title of titles) {
      // Not by a mistake of the mutant's own.
      await expect(killerOf(tests, title)(), title).rejects.toMatchObject({ name: 'AssertionError' })
    }
  })
})
