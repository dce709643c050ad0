import assert from 'node:assert/strict'
import { type Held, Player, type Port, type Primitive, pending, type Type } from './player.js'

/** What the suite needs of a test runner; vitest, node:test and mocha all have it. */
export interface Runner {
  describe(name: string, body: () => void): void
  it(name: string, body: () => Promise<void>): void
}

/** Where primitives live, and who comes to them. */
export interface Home {
  readonly name: string
  /** Whether actors can die alone. */
  readonly mortal: boolean
  /** Whether each actor has an event loop of its own, and can block it. */
  readonly parallel: boolean
  /** How long a test may take before it counts as hung, in ms. Default: 30,000. */
  readonly guard?: number
  /** A place for one test. */
  open(): Promise<Place>
}

export interface Place {
  /** What all actors of this test see; zeros. */
  readonly words: Int32Array
  /** The actor of the test's own thread. */
  readonly near: Port
  /** Whether others come to a primitive by what its maker shares, instead of by its name. */
  readonly shares: boolean
  /** Another actor. */
  far(): Promise<Port>
  /** Ends everything. Who does not answer any more is killed. */
  close(hung: boolean): Promise<void>
}

/** One running test. */
export class Trial {
  readonly home: Home
  readonly #place: Place
  readonly #near: Player
  #used = 0
  #count = 0
  /** Whether the test has ended, or has hung. */
  over = false
  static #tests = 0
  readonly #test = Trial.#tests++

  constructor(home: Home, place: Place) {
    this.home = home
    this.#place = place
    this.#near = new Player('A', place.near)
  }

  /** So many actors. The first one is the test's own thread, where the others are elsewhere. */
  async actors(count: number): Promise<Player[]> {
    const actors = [this.#near]
    for (let index = 1; index < count; index++) {
      actors.push(new Player(String.fromCharCode(65 + index), await this.#place.far()))
    }
    return actors
  }

  /** Makes a primitive with a name of its own. */
  async make(type: Type, ...args: unknown[]): Promise<Primitive> {
    const key = `${type.toLowerCase()}-${this.#test}-${this.#count++}`
    const made: Primitive = { key, type, args }
    await this.#near.has(made)
    return this.#place.shares ? { ...made, shared: await this.#near.share(made) } : made
  }

  get words(): Int32Array {
    return this.#place.words
  }

  /** The first of so many words that nobody uses. */
  word(count = 1): number {
    const word = this.#used
    this.#used += count
    assert.ok(this.#used <= this.words.length, 'a test has too many words')
    return word
  }

  /** What was appended to a log. */
  logged(log: number): number[] {
    const count = Atomics.load(this.words, log)
    return Array.from(this.words.subarray(log + 1, log + 1 + count))
  }
}

/** How many turns of the event loop a hang has at least. */
const TICKS = 20

/** Runs one test: a hang is a failure that names what has not come back. */
export async function runTrial(home: Home, body: (trial: Trial) => Promise<void>): Promise<void> {
  const guard = home.guard ?? 30_000
  let ticks = 0
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    // In ticks, each a turn of the event loop: a machine that is busy with other things does not count as a hang.
    timer = setInterval(() => {
      if (++ticks <= TICKS) return
      reject(new assert.AssertionError({ message: `hung for ${guard} ms: ${[...pending].join(', ')}` }))
    }, guard / TICKS)
  })
  hung.catch(() => {})
  pending.clear()
  const place = await home.open()
  const trial = new Trial(home, place)
  let well = false
  try {
    const running = body(trial)
    running.catch(() => {})
    await Promise.race([running, hung])
    well = true
  } finally {
    trial.over = true
    // What the place ends must not hang either.
    const closing = place.close(!well)
    closing.catch(() => {})
    await Promise.race([closing, hung])
    clearInterval(timer)
  }
}

/** Registers tests; each group gets one of these. */
export interface Group {
  /** A test in every home. */
  test(name: string, body: (trial: Trial) => Promise<void>): void
  /** A test in which somebody dies, or closes. */
  mortal(name: string, body: (trial: Trial) => Promise<void>): void
  /** A test in which one blocks while others go on. */
  parallel(name: string, body: (trial: Trial) => Promise<void>): void
}

/** That the promise rejects with a StraitError of this code, or with an error of this name; the error comes back. */
export async function rejectsWith(
  promise: Promise<unknown>,
  expected: string,
): Promise<{ elapsed: number; cause?: unknown }> {
  const error = await promise.then(
    (value) => assert.fail(`${JSON.stringify(value)} instead of ${expected}`),
    (rejection: { code?: string; name: string; message: string; elapsed: number; cause?: unknown }) =>
      rejection,
  )
  const plain = /^[A-Z][a-z]/.test(expected)
  const has = plain ? error.name : error.code
  assert.equal(has, plain ? expected : `ERR_STRAIT_${expected}`, `${error.name}: ${error.message}`)
  if (!plain) {
    assert.equal(error.name, expected === 'ABORTED' ? 'AbortError' : 'StraitError')
    assert.ok(!error.message.includes('\n'), 'an error is one line')
  }
  return error
}

/** One turn of the event loop. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * Whether the promise has settled after some turns of the event loop, and a look at each of these actors. Only ever used
 * to show that it has not.
 */
export async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (let turns = 0; turns < 50 && !settled; turns++) await turn()
  return settled
}

export async function isWaiting(...waits: { settled: Promise<unknown> }[]): Promise<void> {
  for (const { settled } of waits) assert.equal(await settlesSoon(settled), false, 'it does not wait')
}

/** That nobody holds the lock, and nobody was told of a death. */
export async function isFree(player: Player, lock: Primitive, method = 'tryLock'): Promise<void> {
  const held = await player.call<Held | undefined>(lock, method)
  assert.ok(held, `${method}: somebody holds it`)
  assert.equal(held.ownerDied, false, `${method}: told of a death`)
  await held.release()
}

export async function isHeld(player: Player, lock: Primitive, method = 'tryLock'): Promise<void> {
  assert.equal(await player.call(lock, method), undefined, `${method}: nobody holds it`)
}
