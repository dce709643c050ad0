// Broken primitives: each is the real ones but for one fault, of which the suite must fail.

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Waits for its turn, gives it away again, and then hopes. */
const starved = async (wait, take) => {
  for (;;) {
    const guard = take()
    if (guard !== undefined) return guard
    const turned = await wait()
    turned.release()
    await turn()
  }
}

/** A guard of nothing. */
const empty = () => ({
  held: true,
  ownerDied: false,
  release() {
    this.held = false
  },
  markConsistent() {},
  [Symbol.dispose]() {
    this.release()
  },
  async [Symbol.asyncDispose]() {
    this.release()
  },
})

/** The same guard, but for some properties. */
const changed = (guard, properties) =>
  guard &&
  new Proxy(guard, { get: (target, key) => (key in properties ? properties[key] : bound(target, key)) })
const bound = (target, key) => (typeof target[key] === 'function' ? target[key].bind(target) : target[key])

/** A lock of one event loop, whose queue is a stack. */
const stack = ({ Mutex }) =>
  class extends Mutex {
    #waiting = []
    async lock() {
      const guard = this.tryLock()
      if (guard !== undefined) return this.#own(guard)
      return new Promise((resolve) => this.#waiting.push(resolve))
    }
    #own(guard) {
      return changed(guard, {
        release: () => {
          const next = this.#waiting.pop()
          if (next === undefined) guard.release()
          else next(this.#own(guard))
        },
      })
    }
  }

export const mutants = {
  'a mutex that lets everybody in': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      async lock() {
        return empty()
      }
    },
  }),
  'a mutex that nobody gets by trying': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      tryLock() {
        return undefined
      }
    },
  }),
  'a mutex that serves the last one first': (sync) => ({ Mutex: stack(sync) }),
  'a mutex whose aborted waiter swallows the lock': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      async lock({ signal, ...options } = {}) {
        if (signal === undefined) return super.lock(options)
        const aborted = new Promise((_, reject) =>
          signal.addEventListener(
            'abort',
            () => reject(Object.assign(new Error('x'), { name: 'AbortError', code: 'ERR_STRAIT_ABORTED' })),
            { once: true },
          ),
        )
        return Promise.race([super.lock(options), aborted])
      }
    },
  }),
  'a mutex that hears no abort': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      lock({ signal: _, ...options } = {}) {
        return super.lock(options)
      }
    },
  }),
  'a mutex that a second release takes from the next owner': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      static current
      async lock(options) {
        return this.#own(await super.lock(options))
      }
      tryLock(options) {
        const guard = super.tryLock(options)
        return guard && this.#own(guard)
      }
      #own(guard) {
        this.current = guard
        return changed(guard, { release: () => this.current.release() })
      }
    },
  }),
  'a mutex for whose own thread a blocked one waits': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      lockSync() {
        throw Object.assign(new Error('too late'), { name: 'StraitError', code: 'ERR_STRAIT_TIMEOUT' })
      }
    },
  }),
  'a mutex that whoever waits is never told of': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      async lock(options) {
        const guard = this.tryLock(options)
        if (guard !== undefined) return guard
        await super.lock(options).then((late) => late.release())
        return new Promise(() => {})
      }
    },
  }),
  'a mutex that starves whoever waits': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      lock(options) {
        return starved(
          () => super.lock(options),
          () => this.tryLock(),
        )
      }
    },
  }),
  'a mutex that looks again in each turn of the event loop': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      async lock() {
        for (;;) {
          const guard = this.tryLock()
          if (guard !== undefined) return guard
          await turn()
        }
      }
    },
  }),
  'a mutex for which a blocked thread looks again and again': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      lockSync() {
        for (;;) {
          const guard = this.tryLock()
          if (guard !== undefined) return guard
        }
      }
    },
  }),
  'a mutex whose tryLock waits a little': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      tryLock() {
        try {
          return super.lockSync({ timeout: 5 })
        } catch {
          return undefined
        }
      }
    },
  }),
  'a mutex whose tryLock waits': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      tryLock() {
        return super.lockSync()
      }
    },
  }),
  'a mutex that takes any time': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      lockSync() {
        return super.lockSync()
      }
    },
  }),
  'a mutex that tells nobody of a death': ({ Mutex }) => ({
    Mutex: class extends Mutex {
      async lock(options) {
        return changed(await super.lock(options), { ownerDied: false })
      }
    },
  }),
  'a mutex that tells everybody of a death': ({ Mutex }) => {
    let died = false
    const told = (guard) => {
      died ||= guard?.ownerDied ?? false
      return changed(guard, { ownerDied: died })
    }
    return {
      Mutex: class extends Mutex {
        async lock(options) {
          return told(await super.lock(options))
        }
        tryLock(options) {
          return told(super.tryLock(options))
        }
      },
    }
  },
  'a mutex that mends itself in silence': ({ Mutex }) => {
    const mended = (guard) => {
      if (guard?.ownerDied) guard.markConsistent()
      return guard
    }
    return {
      Mutex: class extends Mutex {
        async lock(options) {
          return mended(await super.lock(options))
        }
      },
    }
  },
  'a semaphore with one more than it says': ({ Semaphore }) => ({
    Semaphore: class extends Semaphore {
      constructor(permits, home) {
        super(permits + 1, home)
      }
    },
  }),
  'a semaphore that an abort gives a permit': ({ Semaphore }) => ({
    Semaphore: class extends Semaphore {
      async acquire(options) {
        try {
          return await super.acquire(options)
        } catch (error) {
          this.release()
          throw error
        }
      }
    },
  }),
  'a semaphore that always adds one': ({ Semaphore }) => ({
    Semaphore: class extends Semaphore {
      release() {
        super.release(1)
      }
    },
  }),
  'a semaphore that forgets nothing': ({ Semaphore }) => ({
    Semaphore: class extends Semaphore {
      async acquire(options) {
        const permit = await super.acquire(options)
        return changed(permit, { forget: () => permit.release() })
      }
    },
  }),
  'a semaphore that starves whoever waits': ({ Semaphore }) => ({
    Semaphore: class extends Semaphore {
      acquire(options) {
        return starved(
          () => super.acquire(options),
          () => this.tryAcquire(),
        )
      }
    },
  }),
  'a semaphore that takes any number': ({ Semaphore }) => ({
    Semaphore: class extends Semaphore {
      constructor(permits, home) {
        super(Math.trunc(Math.abs(permits)) % 2 ** 31 || 0, home)
      }
    },
  }),
  'a bounded semaphore without a bound': ({ Semaphore }) => ({ BoundedSemaphore: Semaphore }),
  'an event of which only those hear who look in time': ({ Event }) => ({
    Event: class extends Event {
      async wait({ signal } = {}) {
        while (!this.isSet) {
          await turn()
          if (signal?.aborted)
            throw Object.assign(new Error('x'), { name: 'AbortError', code: 'ERR_STRAIT_ABORTED' })
        }
      }
    },
  }),
  'an event that a timer looks at': ({ Event }) => ({
    Event: class extends Event {
      async wait() {
        while (!this.isSet) await new Promise((resolve) => setTimeout(resolve, 60_000))
      }
    },
  }),
  'an event whose waits outlive its region': ({ Event }) => ({
    Event: class extends Event {
      wait(options) {
        return super.wait(options).catch((error) => {
          if (error.code !== 'ERR_STRAIT_CLOSED') throw error
          return new Promise(() => {})
        })
      }
    },
  }),
  'a condition whose every notice wakes all': ({ Condition }) => ({
    Condition: class extends Condition {
      notify() {
        super.notifyAll()
      }
    },
  }),
  'a condition whose notice to all wakes one': ({ Condition }) => ({
    Condition: class extends Condition {
      notifyAll() {
        super.notify(1)
      }
    },
  }),
  'a condition that comes back without the mutex': ({ Condition }) => ({
    Condition: class extends Condition {
      async wait(guard, options) {
        await super.wait(guard, options)
        guard.release()
      }
    },
  }),
  'a condition that gives the mutex back before it waits': ({ Condition }) => ({
    Condition: class extends Condition {
      async wait(guard, options) {
        guard.release()
        await turn()
        const own = await this.mutex.lock()
        await super.wait(own, options)
        own.release()
      }
    },
  }),
  'a barrier that knows no end of its region': ({ Barrier }) => ({
    Barrier: class extends Barrier {
      get waiting() {
        return this.attachment.state(this.index).queued
      }
    },
  }),
  'a barrier that gives everybody the same index': ({ Barrier }) => ({
    Barrier: class extends Barrier {
      async wait(options) {
        await super.wait(options)
        return 0
      }
    },
  }),
  'a barrier that opens one too early': ({ Barrier }) => ({
    Barrier: class extends Barrier {
      constructor(parties, home) {
        super(Math.max(1, parties - 1), home)
      }
    },
  }),
  'a barrier that counts who has gone': ({ Barrier }) => ({
    Barrier: class extends Barrier {
      async wait({ signal } = {}) {
        if (signal === undefined) return super.wait()
        const aborted = new Promise((_, reject) =>
          signal.addEventListener(
            'abort',
            () => reject(Object.assign(new Error('x'), { name: 'AbortError', code: 'ERR_STRAIT_ABORTED' })),
            { once: true },
          ),
        )
        return Promise.race([super.wait(), aborted])
      }
    },
  }),
  'a lock whose readers come in while somebody writes': ({ RWLock }) => ({
    RWLock: class extends RWLock {
      async read() {
        return empty()
      }
    },
  }),
  'a lock whose readers overtake a writer': ({ RWLock }) => {
    let readers = 0
    let first
    return {
      RWLock: class extends RWLock {
        async read(options) {
          if (readers++ === 0) first = await super.read(options)
          return {
            release: () => {
              if (--readers === 0) first.release()
            },
          }
        }
      },
    }
  },
}

/** What another thread has shared becomes one of the mutant's too. */
const shareable = (Mutant) => {
  const { from } = Mutant
  Mutant.from = (...args) => Object.setPrototypeOf(from.apply(Mutant, args), Mutant.prototype)
}

/** The classes, with those of the mutant in place of the real ones. */
export function kindsOf(sync, mutant) {
  if (mutant === undefined) return sync
  const kinds = mutants[mutant](sync)
  for (const Mutant of Object.values(kinds)) {
    if (!Object.values(sync).includes(Mutant)) shareable(Mutant)
  }
  return { ...sync, ...kinds }
}
