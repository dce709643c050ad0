import { rmSync } from 'node:fs'
import { SharedMemory } from '@strait/posix'
import { expect } from 'vitest'
import { Actor, type ActorOptions } from './actor.js'
import { unique } from './cast.js'
import { until } from './guard.js'
import { BYTES, type Column, cell, PERMITS, ROWS, RULES, STOP, sum, U, V, X, Y } from './ledger.mjs'
import { leftovers, RegionView, regionFile } from './region-view.js'

/** What everybody must get on with. */
const PROGRESS: readonly Column[] = [
  'sections',
  'written',
  'permits',
  'events',
  'made',
  'taken',
  'barriers',
  'reads',
]

/** So many start at a time: of 200 that start at once the last one takes longer than one that hangs. */
const AT_ONCE = 8

/** So often, on average, everybody may get on, and its event loop turn, before one who does not is said to starve. */
const STARVES = 50

/** So many deaths are told; at least and at most, where it cannot be known. */
class Count {
  least = 0
  most = 0

  add(least: boolean, most: boolean): void {
    this.least += Number(least)
    this.most += Number(most)
  }

  check(what: string, told: number): void {
    const right = told >= this.least && told <= this.most
    expect(right, `${what}: ${told} deaths were told, of ${this.least} to ${this.most}`).toBe(true)
  }
}

/** Processes that hammer all primitives of one region, and are killed one after the other. */
export class Battle {
  readonly #region = unique()
  readonly #ledger = `${this.#region}-ledger`
  readonly #memory = SharedMemory.create(this.#ledger, BYTES)
  readonly #words = this.#memory.view(Int32Array)
  readonly #fighters: Actor[] = []
  readonly #done: Promise<void>[] = []
  readonly #options: ActorOptions
  readonly #locked = new Count()
  readonly #written = new Count()
  /** What no fighter expects. */
  readonly #failures: string[] = []
  #conductor!: Actor
  #view!: RegionView
  #next: Promise<Actor> | undefined
  #seed: number

  constructor(seed: number, options: ActorOptions = {}) {
    this.#seed = seed
    this.#options = options
  }

  /** Starts the process that takes the place of the next that is killed. */
  prepare(): void {
    this.#next ??= Actor.start(this.#options)
  }

  /** So many processes, and one that is never killed and sets the event again and again. */
  async begin(size: number): Promise<void> {
    expect(size).toBeLessThanOrEqual(ROWS)
    this.#conductor = await Actor.start(this.#options)
    await this.#enter(this.#conductor)
    await this.#conductor.run(({ event, kept }) => {
      kept.beat = setInterval(() => {
        event.set()
        event.clear()
      }, 2)
    })
    this.#view = new RegionView(this.#region)
    // All, before the first one takes the cores.
    while (this.#fighters.length < size) {
      const length = Math.min(AT_ONCE, size - this.#fighters.length)
      const actors = await Promise.all(Array.from({ length }, () => Actor.start(this.#options)))
      this.#fighters.push(...actors)
    }
    for (const actor of this.#fighters) await this.#enter(actor)
    for (const [row, actor] of this.#fighters.entries()) this.#fight(actor, row)
    await this.goesOn()
  }

  async #enter(actor: Actor): Promise<void> {
    await actor.run(({ enter }, region) => enter(region), this.#region)
  }

  #fight(actor: Actor, row: number): void {
    const hammer = actor.runLong(
      ({ hammer }, ledger, row, seed) => hammer(ledger, row, seed),
      this.#ledger,
      row,
      this.#seed++,
    )
    // Killed, it has no more to say.
    hammer.catch((error: Error) => {
      if (this.#fighters[row] === actor && !actor.over)
        this.#failures.push(`process ${row}: ${error.message}`)
    })
    this.#done[row] = hammer
  }

  /**
   * Kills one and lets another take its place. One that was frozen before is known to hold what it holds; one that was not
   * is killed in all of its threads at once, of which some run on for a moment.
   */
  async kill(row: number, frozen: boolean): Promise<void> {
    const victim = this.#fighters[row]!
    if (frozen) {
      await victim.freeze()
      const { mutex, write } = this.#view.belongings(victim.pid)
      // One that had been told itself may have died before it wrote that down.
      this.#locked.add(mutex && !this.#view.tells('mutex'), mutex)
      this.#written.add(write && !this.#view.tells('rwlock'), write)
    } else {
      this.#locked.add(false, true)
      this.#written.add(false, true)
    }
    await victim.kill()
    this.prepare()
    const next = await this.#next!
    this.#next = undefined
    this.#fighters[row] = next
    await this.#enter(next)
    this.#fight(next, row)
  }

  /** It gets no processor for so long, ms, from now on. */
  async holdStill(row: number, ms: number): Promise<void> {
    const fighter = this.#fighters[row]!
    await fighter.freeze()
    setTimeout(() => fighter.continue(), ms)
  }

  /** Everybody gets on with everything, and no rule has been broken. */
  async goesOn(): Promise<void> {
    const cells = [...this.#fighters.keys()].flatMap((row) => PROGRESS.map((column) => ({ row, column })))
    const before = cells.map(({ row, column }) => Atomics.load(this.#words, cell(row, column)))
    try {
      for (const [index, { row, column }] of cells.entries()) await this.#getsOn(row, column, before[index]!)
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.#view.picture()}`)
    }
    expect(this.#broken()).toBe('')
  }

  /**
   * One that has to wait for many others does not hang. It starves when they come again and again meanwhile, and its event
   * loop as well: one that gets no processor is not kept waiting by a lock.
   */
  async #getsOn(row: number, column: Column, before: number): Promise<void> {
    const words = this.#words
    const done = () => this.#broken() !== '' || Atomics.load(words, cell(row, column)) !== before
    const turns = () => Atomics.load(words, cell(row, 'turns'))
    const starved = sum(words, column) + STARVES * this.#fighters.length
    const awake = turns() + STARVES
    for (let all = sum(words, column); !done() && all < starved; all = sum(words, column))
      await until(`${column} of process ${row}`, () => done() || sum(words, column) !== all)
    await until(`the event loop of process ${row}`, () => done() || turns() >= awake)
    expect(done(), `process ${row} starves: ${column}`).toBe(true)
  }

  /** The rule that was broken, or how somebody has ended. */
  #broken(): string {
    const [failure] = this.#failures
    if (failure !== undefined) return failure
    for (const row of this.#fighters.keys()) {
      const rule = Atomics.load(this.#words, cell(row, 'violation'))
      if (rule !== 0) return `${RULES[rule]} (process ${row})`
    }
    return ''
  }

  /** Stops everybody; then the numbers must be right. Says what was told. */
  async end(): Promise<string> {
    Atomics.store(this.#words, STOP, 1)
    await Promise.all(this.#done.map((done, row) => until(`process ${row} stops`, settled(done))))
    await Promise.all(this.#done)
    const permits = await this.#conductor.run(async ({ sync, region, kept, mutex, rwlock }, total) => {
      clearInterval(kept.beat)
      const semaphore = new sync.Semaphore(total, { region, name: 'permits' })
      let count = 0
      while (count < total) {
        await semaphore.acquire()
        count++
      }
      kept.last = [await mutex.lock(), await rwlock.write()]
      const told = kept.last.map((guard: { ownerDied: boolean }) => Number(guard.ownerDied))
      return { more: semaphore.tryAcquire() !== undefined, told: told as [number, number] }
    }, PERMITS)
    expect(permits.more).toBe(false)
    expect(await this.#conductor.run(({ check }) => check())).toBe(0)
    const words = this.#words
    const [locked, written] = permits.told
    if (locked === 0) expect([words[X], words[Y]]).toEqual([sum(words, 'sections'), sum(words, 'sections')])
    if (written === 0) expect([words[U], words[V]]).toEqual([sum(words, 'written'), sum(words, 'written')])
    const told = [sum(words, 'told') + locked, sum(words, 'toldWriting') + written] as const
    this.#locked.check('the mutex', told[0])
    this.#written.check('the right to write', told[1])
    for (const actor of [...this.#fighters, this.#conductor]) await actor.run(({ region }) => region.close())
    expect(leftovers(this.#region)).toEqual([])
    const counts = PROGRESS.map((column) => `${sum(words, column)} ${column}`).join(', ')
    const each = [...this.#fighters.keys()].map((row) => Atomics.load(words, cell(row, 'sections')))
    const share = `${Math.min(...each)} to ${Math.max(...each)} sections each`
    return `deaths told: ${told[0]} of the mutex, ${told[1]} of the right to write; ${counts}; ${share}`
  }

  /** Whatever has become of it, nothing is left. */
  async clear(): Promise<void> {
    const spare = await this.#next
    const actors = [...this.#fighters, this.#conductor, ...(spare === undefined ? [] : [spare])]
    await Promise.all(actors.map((actor) => actor?.kill()))
    this.#view?.[Symbol.dispose]()
    this.#memory.unlink()
    this.#memory.close()
    rmSync(`/dev/shm/${regionFile(this.#region)}`, { force: true })
  }
}

function settled(promise: Promise<unknown>): () => boolean {
  let over = false
  const end = () => {
    over = true
  }
  promise.then(end, end)
  return () => over
}
