// Uses all primitives of a region at once, until it is killed or the ledger says stop; what it finds broken goes there.
import { readFileSync } from 'node:fs'
import { SharedMemory } from '@strait/posix'
import { cell, PERMITS, PLACES, RULES, STOP, sum, TOKENS, U, V, X, Y } from './ledger.mjs'

const FULL = 10

/** The places are not looked at at once: while one is left, another is taken. */
const LOOKS = 1000

function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const codes = (...names) => names.map((name) => `ERR_STRAIT_${name}`)

/** Of errors only these are no surprise. */
const except = (...names) => {
  const expected = codes(...names)
  return (error) => {
    if (!expected.includes(error.code)) throw error
  }
}

/** Whether that process has not ended; a zombie has. */
function alive(pid) {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** The tasks of one process. Resolves when all have ended, by STOP. */
export async function hammer({ region, sync }, ledger, row, seed) {
  const memory = SharedMemory.open(ledger)
  const words = memory.view(Int32Array)
  const next = random(seed)
  const home = (name) => ({ region, name })
  const mutex = new sync.Mutex(home('mutex'))
  const semaphore = new sync.Semaphore(PERMITS, home('permits'))
  const event = new sync.Event(home('event'))
  const condition = new sync.Condition(mutex, { name: 'condition' })
  const barrier = new sync.Barrier(2, home('pair'))
  const rwlock = new sync.RWLock(home('rwlock'))
  Atomics.store(words, cell(row, 'pid'), process.pid)

  const count = (column, change = 1) => Atomics.add(words, cell(row, column), change)
  const violate = (rule) => {
    Atomics.compareExchange(words, cell(row, 'violation'), 0, rule)
    throw new Error(RULES[rule])
  }
  const stopping = new AbortController()
  const { signal } = stopping
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const pause = () => (next() < 0.5 ? turn() : new Promise((resolve) => setTimeout(resolve, next() * 3)))

  /** What every owner does first. */
  const enter = (guard) => {
    if (guard.ownerDied) {
      count('told')
      words[X] = words[Y] = sum(words, 'sections')
      guard.markConsistent()
    }
    if (words[X] !== words[Y]) violate(1)
    if (words[X] !== sum(words, 'sections')) violate(2)
  }
  const change = async () => {
    words[X]++
    if (next() < 0.5) await pause()
    count('sections')
    if (next() < 0.5) await pause()
    words[Y]++
  }

  const tasks = {
    async locks() {
      const guard =
        next() < 0.2 ? mutex.lockSync({ timeout: 20 }) : await mutex.lock({ signal: maybeAborted() })
      enter(guard)
      await change()
      guard.release()
    },
    async makes() {
      const guard = await mutex.lock({ signal })
      enter(guard)
      if (words[TOKENS] < FULL) words[TOKENS]++
      condition.notify()
      guard.release()
      count('made')
    },
    async takes() {
      const guard = await mutex.lock({ signal })
      enter(guard)
      const again = () => guard.held && enter(guard)
      try {
        while (words[TOKENS] === 0) await condition.wait(guard, { signal }).finally(again)
        if (--words[TOKENS] < 0) violate(7)
        count('taken')
      } finally {
        guard.release()
      }
    },
    async uses() {
      const permit = await semaphore.acquire({ signal: maybeAborted() })
      const place = claim()
      await pause()
      Atomics.store(words, PLACES + place, 0)
      permit.release()
      count('permits')
    },
    async hears() {
      await event.wait({ signal })
      count('events')
    },
    async meets() {
      await barrier.wait({ signal: maybeAborted(20) }).catch((error) => {
        except('OWNER_DIED', 'ABORTED')(error)
        if (barrier.broken) barrier.reset()
      })
      count('barriers')
    },
    async reads() {
      try {
        const guard = await rwlock.read({ signal })
        if (words[U] !== words[V]) violate(5)
        await pause()
        if (words[U] !== words[V]) violate(5)
        guard.release()
      } catch (error) {
        except('OWNER_DIED')(error)
      }
      count('reads')
    },
    async writes() {
      const guard = await rwlock.write({ signal })
      if (guard.ownerDied) {
        count('toldWriting')
        words[U] = words[V] = sum(words, 'written')
        guard.markConsistent()
      }
      if (words[U] !== words[V]) violate(3)
      if (words[U] !== sum(words, 'written')) violate(4)
      words[U]++
      if (next() < 0.5) await pause()
      count('written')
      if (next() < 0.5) await pause()
      words[V]++
      guard.release()
    },
  }

  /** Now and then a wait ends before it has what it wants. */
  function maybeAborted(ms = 2) {
    return ms > 2 || next() < 0.1 ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : signal
  }

  /** There are as many places as permits, so who has a permit finds one: it is free, or its owner has died. */
  function claim() {
    for (let look = 1; look <= LOOKS; look++) {
      for (let place = 0; place < PERMITS; place++) {
        const owner = Atomics.load(words, PLACES + place)
        if (owner !== 0 && (look % (LOOKS / 10) !== 0 || alive(owner))) continue
        if (Atomics.compareExchange(words, PLACES + place, owner, process.pid) === owner) return place
      }
    }
    return violate(6)
  }

  const loop = async (task) => {
    while (!signal.aborted) {
      await task().catch(except('ABORTED', 'TIMEOUT', 'DEADLOCK'))
      await pause()
    }
  }
  const watching = setInterval(() => {
    count('turns')
    if (Atomics.load(words, STOP) === 1) stopping.abort()
  }, 5)
  try {
    await Promise.all([...Object.values(tasks), tasks.locks, tasks.uses].map(loop))
  } finally {
    clearInterval(watching)
    memory.close()
  }
}
