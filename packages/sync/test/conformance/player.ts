import assert from 'node:assert/strict'
import type { Report } from '../support/suite/actor.mjs'

/** A primitive of one test: every actor finds it under the same name. */
export interface Primitive {
  readonly key: string
  readonly type: Type
  readonly args: readonly unknown[]
  /** What the one who made it has shared, where it is not found by its name. */
  readonly shared?: unknown
}

export type Type = 'Mutex' | 'Semaphore' | 'BoundedSemaphore' | 'Event' | 'Condition' | 'Barrier' | 'RWLock'

/** How somebody is told what to do. */
export interface Port {
  request(verb: string, args: readonly unknown[]): Calling
  /** As SIGKILL does. Resolves when it is gone. */
  kill(): Promise<void>
}

export interface Calling {
  readonly id: number
  /** The call has been made, up to where it waits; or is about to block. */
  readonly begun: Promise<void>
  readonly settled: Promise<unknown>
}

/** What went wrong with an actor's call. */
export class ActorError extends Error {
  readonly code: string | undefined
  readonly elapsed: number
  constructor({ name, message, code, cause, elapsed }: Report) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = name
    this.code = code
    this.elapsed = elapsed ?? 0
  }
}

/** The calls of one test that have not settled; what a hang is named by. */
export const pending = new Set<string>()

/** What somebody does who has primitives: here, in another thread, or in another process. */
export class Player {
  readonly name: string
  readonly #port: Port
  readonly #made = new Set<string>()

  constructor(name: string, port: Port) {
    this.name = name
    this.#port = port
  }

  #request(what: string, verb: string, ...args: unknown[]): Calling {
    const calling = this.#port.request(verb, args)
    const label = `${this.name}: ${what} (${calling.id})`
    pending.add(label)
    const done = () => {
      pending.delete(label)
    }
    calling.settled.then(done, done)
    calling.begun.catch(() => {})
    return calling
  }

  async #ask<T>(what: string, verb: string, ...args: unknown[]): Promise<T> {
    return (await this.#request(what, verb, ...args).settled) as T
  }

  /** Has it, from now on. */
  async has(...primitives: Primitive[]): Promise<void> {
    for (const { key, type, args, shared } of primitives) {
      if (this.#made.has(key)) continue
      this.#made.add(key)
      await this.#ask(`make ${key}`, 'make', key, type, args, shared)
    }
  }

  share({ key }: Primitive): Promise<unknown> {
    return this.#ask(`share ${key}`, 'share', key)
  }

  /** Begins a call; when this resolves it has been made, and perhaps waits. */
  async begin(
    primitive: Primitive,
    method: string,
    { args = [], ...options }: CallOptions = {},
  ): Promise<Wait> {
    await this.has(primitive)
    const calling = this.#request(
      `${primitive.key}.${method}`,
      'call',
      primitive.key,
      method,
      args.map((arg) => (arg instanceof Held ? arg.plain : arg)),
      options,
    )
    await calling.begun
    return new Wait(this, calling)
  }

  /** Makes a call, to its end. */
  async call<T = unknown>(primitive: Primitive, method: string, options?: CallOptions): Promise<T> {
    const wait = await this.begin(primitive, method, options)
    return (await wait.settled) as T
  }

  /** Makes a call that ends in somebody who holds. */
  async take(primitive: Primitive, method: string, options?: CallOptions): Promise<Held> {
    const held = await this.call<Held | undefined>(primitive, method, options)
    assert.ok(held, `${primitive.key}.${method}: it is not to be had`)
    return held
  }

  /** Begins a program; see programs.mjs. */
  async run<T>(program: string, primitive: Primitive, options: object): Promise<Wait<T>> {
    await this.has(primitive)
    const calling = this.#request(program, 'run', program, primitive.key, options)
    await calling.begun
    return new Wait<T>(this, calling)
  }

  get<T>({ key }: Primitive, property: string): Promise<T> {
    return this.#ask(`${key}.${property}`, 'get', key, property)
  }

  guard<T>(verb: 'guard' | 'guarding', index: number, what: string): Promise<T> {
    return this.#ask(what, verb, index, what)
  }

  dispose(held: Held, how: 'dispose' | 'disposeLater'): Promise<void> {
    return this.#ask(how, how, held.index)
  }

  abort(wait: Wait<unknown>, reason?: string): Promise<void> {
    return this.#ask('abort', 'abort', wait.id, reason)
  }

  /** Does several things without a turn of its event loop between them. */
  together(...steps: Step[]): Promise<void> {
    return this.#ask('together', 'together', steps)
  }

  /** Blocks its event loop until somebody writes into this word. The next says that it does. */
  async block(word: number): Promise<Wait<unknown>> {
    const calling = this.#request('block', 'block', word)
    await calling.begun
    return new Wait(this, calling)
  }

  /** Counts in this word and the next, from now on, how often its thread begins to wait, and whatever else it asks. */
  count(word: number): Promise<void> {
    return this.#ask('count', 'count', word)
  }

  /** So many turns of its event loop. */
  turns(count: number): Promise<void> {
    return this.#ask('turns', 'turns', count)
  }

  /** What its event loop has to do, or waits for. */
  resources(): Promise<string[]> {
    return this.#ask('resources', 'resources')
  }

  /** Closes its region, with all that is in it. */
  closeRegion(): Promise<void> {
    return this.#ask('close', 'closeRegion')
  }

  kill(): Promise<void> {
    return this.#port.kill()
  }
}

export interface CallOptions {
  readonly args?: readonly unknown[]
  /** `{}`: it can be aborted. */
  readonly signal?: { readonly aborted?: boolean; readonly reason?: string }
  readonly timeout?: number
  readonly repair?: boolean
}

export type Step = readonly [verb: string, ...args: unknown[]]

/** A call that has been made, and what comes of it. */
export class Wait<T = unknown> {
  readonly id: number
  readonly settled: Promise<T>
  readonly #player: Player

  constructor(player: Player, { id, settled }: Calling) {
    this.id = id
    this.#player = player
    this.settled = settled.then((result) => heldBy(player, result) as T)
    this.settled.catch(() => {})
  }

  /** What comes of a wait for a lock or a permit. */
  get held(): Promise<Held> {
    return this.settled as Promise<Held>
  }

  abort(reason?: string): Promise<void> {
    return this.#player.abort(this, reason)
  }

  /** For {@link Player.together}. */
  get aborting(): Step {
    return ['abort', this.id]
  }
}

/** A guard or permit of an actor. */
export class Held {
  readonly player: Player
  readonly index: number
  /** As it was told when it was got. */
  readonly ownerDied: boolean

  constructor(player: Player, index: number, ownerDied: boolean) {
    this.player = player
    this.index = index
    this.ownerDied = ownerDied
  }

  get plain(): { guard: number } {
    return { guard: this.index }
  }

  /** Whether it holds still. */
  get held(): Promise<boolean> {
    return this.player.guard('guarding', this.index, 'held')
  }

  /** As it is told now. */
  get told(): Promise<boolean> {
    return this.player.guard('guarding', this.index, 'ownerDied')
  }

  release(): Promise<void> {
    return this.player.guard('guard', this.index, 'release')
  }

  markConsistent(): Promise<void> {
    return this.player.guard('guard', this.index, 'markConsistent')
  }

  forget(): Promise<void> {
    return this.player.guard('guard', this.index, 'forget')
  }

  /** For {@link Player.together}. */
  get releasing(): Step {
    return ['guard', this.index, 'release']
  }
}

function heldBy(player: Player, result: unknown): unknown {
  if (typeof result !== 'object' || result === null || !('guard' in result)) return result
  const { guard, ownerDied } = result as { guard: number; ownerDied: boolean }
  return new Held(player, guard, ownerDied)
}
