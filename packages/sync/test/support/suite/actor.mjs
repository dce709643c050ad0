import { getEventListeners } from 'node:events'
import { countCalls } from './calls.mjs'
import { programs } from './programs.mjs'

// Somebody who has primitives: the test's own thread, a worker, or another process. It does what it is told, in plain
// data, and every verb may be called while others wait. What others must see goes through `words`, an Int32Array that all
// of one test share.

/** What cannot be answered before it is over, because the thread blocks. */
export const blocks = ({ verb, args }) =>
  verb === 'block' || (verb === 'call' && /Sync$/.test(args[1])) || (verb === 'run' && /Sync$/.test(args[0]))

export class Actor {
  #kinds
  #region
  #words
  #primitives = new Map()
  #guards = []
  #controllers = new Map()
  #countNoMore = () => {}

  constructor(kinds, region, words) {
    this.#kinds = kinds
    this.#region = region
    this.#words = words
  }

  /** Calls a verb at once, up to where it waits; what it comes to is plain data. */
  perform({ id, verb, args }) {
    try {
      return Promise.resolve(this.#verbs[verb](...args, id))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  primitive(key) {
    return this.#primitives.get(key)
  }

  #verbs = {
    /** Finds a primitive by its name, or by what another actor has shared, or makes it. */
    make: (key, type, args, shared) => {
      const Kind = this.#kinds[type]
      const name = this.#region === undefined ? { name: key } : { region: this.#region, name: key }
      const primitive =
        shared !== undefined
          ? Kind.from(shared, ...(type === 'Condition' ? [this.primitive(args[0])] : []))
          : type === 'Condition'
            ? new Kind(this.primitive(args[0]), { name: key })
            : new Kind(...args, name)
      this.#primitives.set(key, primitive)
      return undefined
    },
    share: (key) => this.primitive(key).share(),

    call: async (key, method, args, options, id) => {
      const { signal, ...rest } = options
      const begun = performance.now()
      try {
        return this.#described(await this.#calling(key, method, args, rest, signal, id))
      } catch (error) {
        throw Object.assign(error, { elapsed: performance.now() - begun })
      }
    },
    abort: (call, reason) => this.#controllers.get(call)?.abort(reason),
    get: (key, property) => this.primitive(key)[property],

    guard: (index, method) => this.#guards[index][method](),
    guarding: (index, property) => this.#guards[index][property],
    dispose: (index) => this.#guards[index][Symbol.dispose](),
    disposeLater: (index) => this.#guards[index][Symbol.asyncDispose](),

    /** Several verbs without a turn of the event loop between them. */
    together: (requests) => {
      for (const [verb, ...args] of requests) this.#verbs[verb](...args)
    },

    run: (program, key, options, id) =>
      programs[program](this.primitive(key), this.#words, options, this, id),

    /** Blocks the event loop until somebody writes into the word. The next word says that it does. */
    block: (word) => {
      const nothing = new Int32Array(new SharedArrayBuffer(4))
      Atomics.store(this.#words, word + 1, 1)
      while (Atomics.load(this.#words, word) === 0) Atomics.wait(nothing, 0, 0, 1)
    },

    /** Counts what its thread asks of the addon from now on; calls.mjs. */
    count: (word) => {
      this.#countNoMore()
      this.#countNoMore = countCalls(this.#words, word)
    },
    /** So many turns of its event loop. */
    turns: async (count) => {
      for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
    /** What its event loop has to do, or waits for. */
    resources: () => process.getActiveResourcesInfo().sort(),

    /** What it shares with others has been opened once more for each. */
    closeRegion: () => {
      this.#region.close()
      for (const { region } of this.#primitives.values()) region.close()
    },

    /** Gives everything back. */
    reset: () => {
      this.#countNoMore()
      for (const controller of this.#controllers.values()) controller.abort()
      for (const guard of this.#guards.splice(0)) guard.release()
      this.#controllers.clear()
    },
  }

  #calling(key, method, args, options, signal, id) {
    const primitive = this.primitive(key)
    const real = args.map((arg) => this.#real(arg))
    if (signal === undefined) {
      if (Object.keys(options).length > 0) real.push(options)
      return primitive[method](...real)
    }
    const controller = new AbortController()
    this.#controllers.set(id, controller)
    if (signal.aborted) controller.abort(signal.reason)
    return primitive[method](...real, { ...options, signal: controller.signal }).finally(() => {
      this.#controllers.delete(id)
      if (getEventListeners(controller.signal, 'abort').length > 0)
        throw new Error('the signal is still listened to')
    })
  }

  /** What cannot travel: a guard, and a predicate. */
  #real(arg) {
    if (arg?.guard !== undefined) return this.#guards[arg.guard]
    if (arg?.atLeast !== undefined) return () => Atomics.load(this.#words, arg.word) >= arg.atLeast
    return arg
  }

  #described(result) {
    if (typeof result?.release !== 'function') return result
    return { guard: this.#guards.push(result) - 1, ownerDied: result.ownerDied ?? false }
  }
}

/** An error in plain data. */
export function report(error) {
  const { name, message, code, cause, elapsed } = error instanceof Error ? error : new Error(String(error))
  return { name, message, code, cause: typeof cause === 'string' ? cause : undefined, elapsed }
}
