import { Worker } from 'node:worker_threads'
import { native } from '@strait/posix'
import * as sync from '@strait/sync'
import { hammer } from './hammer.mjs'

/** What the functions that are sent here find. */
export const world = {
  sync,
  native: native(),
  /** What one function leaves for the next. */
  kept: {},

  /** Attaches to the region of this name, and makes one of each kind in it. */
  enter(name) {
    const region = sync.Region.openOrCreate(name)
    const home = (name) => ({ region, name })
    const mutex = new sync.Mutex(home('mutex'))
    Object.assign(world, {
      region,
      mutex,
      semaphore: new sync.Semaphore(2, home('semaphore')),
      event: new sync.Event(home('event')),
      condition: new sync.Condition(mutex, { name: 'condition' }),
      barrier: new sync.Barrier(3, home('barrier')),
      rwlock: new sync.RWLock(home('rwlock')),
    })
  },

  /** One section; whether its guard was told of a death. */
  async section() {
    const guard = await world.mutex.lock()
    const told = guard.ownerDied
    if (told) guard.markConsistent()
    guard.release()
    return told
  },

  /** The same with the right to write. */
  async writing() {
    const guard = await world.rwlock.write()
    const told = guard.ownerDied
    if (told) guard.markConsistent()
    guard.release()
    return told
  },

  /** Uses everything at once; hammer.mjs. */
  hammer: (ledger, row, seed) => hammer(world, ledger, row, seed),

  /** A thread in the region that has done what the function says, and waits to be ended. */
  async startThread(region, source) {
    const thread = new Worker(new URL('thread.mjs', import.meta.url), { workerData: { region, source } })
    await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
    world.kept.thread = thread
  },

  check: () => world.native.syncCheck(world.region.attachment.handle, 0),

  /** Lets the event loop do nothing until there is something to see. */
  block(until) {
    while (!until());
  },
}
