import assert from 'node:assert/strict'
import type { Held, Player, Primitive, Wait } from './player.js'
import { rejectsWith, type Trial } from './trial.js'

/** A call that waits for what {@link Everything.hold} has taken. */
export interface Waiting {
  readonly of: Primitive
  readonly method: string
  readonly wait: Wait
  /** Of a condition: what gives its mutex back. */
  readonly guard?: Held
}

/** One primitive of each kind, of which all players know. */
export class Everything {
  readonly lock: Primitive
  readonly permits: Primitive
  readonly bounded: Primitive
  readonly gun: Primitive
  readonly book: Primitive
  readonly line: Primitive
  /** The mutex of the condition. */
  readonly monitor: Primitive
  readonly changed: Primitive
  readonly #held = new Map<Primitive, Held>()

  private constructor([lock, permits, bounded, gun, book, line, monitor]: Primitive[], changed: Primitive) {
    this.lock = lock!
    this.permits = permits!
    this.bounded = bounded!
    this.gun = gun!
    this.book = book!
    this.line = line!
    this.monitor = monitor!
    this.changed = changed
  }

  static async make(trial: Trial, players: readonly Player[]): Promise<Everything> {
    const most = [
      await trial.make('Mutex'),
      await trial.make('Semaphore', 1),
      await trial.make('BoundedSemaphore', 1),
      await trial.make('Event'),
      await trial.make('RWLock'),
      await trial.make('Barrier', 3),
      await trial.make('Mutex'),
    ]
    const changed = await trial.make('Condition', most.at(-1)!.key)
    for (const player of players) await player.has(...most, changed)
    return new Everything(most, changed)
  }

  /** What can be tried. */
  get tries(): [Primitive, string][] {
    return [...this.#taking, [this.book, 'tryRead']]
  }

  get #taking(): [Primitive, string][] {
    return [
      [this.lock, 'tryLock'],
      [this.permits, 'tryAcquire'],
      [this.bounded, 'tryAcquire'],
      [this.book, 'tryWrite'],
    ]
  }

  /** What can be waited for. With `Sync` behind the name it blocks. */
  get waits(): [Primitive, string][] {
    return [
      [this.lock, 'lock'],
      [this.permits, 'acquire'],
      [this.bounded, 'acquire'],
      [this.gun, 'wait'],
      [this.line, 'wait'],
      [this.book, 'read'],
      [this.book, 'write'],
      [this.changed, 'wait'],
    ]
  }

  /** Takes all that can be taken: whoever comes has to wait. */
  async hold(player: Player): Promise<void> {
    for (const [of, method] of this.#taking) {
      if (!(await this.#held.get(of)?.held)) this.#held.set(of, await player.take(of, method))
    }
  }

  /** Gives all of that back. */
  async giveBack(): Promise<void> {
    for (const held of this.#held.values()) await held.release()
  }

  /** Whoever waits for this has what it has waited for; a barrier ends for all. */
  async serve(player: Player, of: Primitive): Promise<void> {
    if (of === this.gun) await player.call(of, 'set')
    else if (of === this.changed) await player.call(of, 'notifyAll')
    else if (of === this.line) await player.call(of, 'abort')
    else await this.#held.get(of)!.release()
  }

  /** Begins to wait for each of them. */
  async waitForAll(player: Player): Promise<Waiting[]> {
    const waits: Waiting[] = []
    for (const [of, method] of this.waits) waits.push(await this.#wait(player, of, method))
    return waits
  }

  /** Blocks the player for one after the other, each time with everything held. `each` sees to it that it comes back. */
  async blockForEach(
    player: Player,
    holder: Player,
    each: (begin: () => Promise<Waiting>) => Promise<void>,
  ): Promise<void> {
    for (const [of, method] of this.waits) {
      await this.hold(holder)
      await each(() => this.#wait(player, of, `${method}Sync`))
    }
  }

  async #wait(player: Player, of: Primitive, method: string): Promise<Waiting> {
    if (of !== this.changed) return { of, method, wait: await player.begin(of, method) }
    const guard = await player.take(this.monitor, 'lock')
    return { of, method, guard, wait: await player.begin(of, method, { args: [guard] }) }
  }

  /** What was waited for has come, without news of a death, and is given back. */
  async hasCome({ of, wait, guard }: Waiting): Promise<void> {
    if (of === this.line) return void (await rejectsWith(wait.settled, 'ABORTED'))
    const result = await wait.settled
    if (of === this.gun) return
    const held = guard ?? (result as Held)
    assert.deepEqual([await held.held, guard === undefined ? held.ownerDied : await held.told], [true, false])
    await held.release()
  }
}
