import { randomBytes } from 'node:crypto'
import { Actor } from './actor.js'
import { until, within } from './guard.js'
import { type Belongings, RegionView } from './region-view.js'

/** The beginning of the names of all regions of one file of tests. */
export const PREFIX = `kill-${process.pid}-`

/** A name that no region had. */
export const unique = (): string => `${PREFIX}${randomBytes(4).toString('hex')}`

/** What is known of the victim as it stops, while the others go on. */
export interface Death extends Belongings {
  readonly wasSet: boolean
  /** Whether it holds the mutex itself, without news of a death before. */
  readonly heldWhole: boolean
  /** Permits in all. */
  readonly total: number
  /** Whether it has opened the barrier, or somebody before it. */
  readonly opened: boolean
}

/** Of somebody who had nothing. */
export const NOTHING: Death = {
  mutex: false,
  write: false,
  barrier: false,
  wasSet: false,
  heldWhole: false,
  total: 2,
  opened: false,
}

/** Two who survive, one who is killed, and the region in which they meet. */
export class Cast {
  readonly a: Actor
  readonly b: Actor
  readonly victim: Actor
  readonly region: string
  /** Of the victim, from when it stands still on. */
  readonly death: Promise<Death>
  /** Who else is killed, before the victim. */
  readonly besides: Actor[] = []
  readonly #troupe: Troupe
  #view: RegionView | undefined
  #resolve!: (death: Death) => void
  #over = false

  constructor(troupe: Troupe, [a, b]: readonly [Actor, Actor], victim: Actor, region: string) {
    this.#troupe = troupe
    this.a = a
    this.b = b
    this.victim = victim
    this.region = region
    this.death = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get view(): RegionView {
    this.#view ??= new RegionView(this.region)
    return this.#view
  }

  async enter(...actors: readonly Actor[]): Promise<void> {
    // One after the other, for it is the order of the slots.
    for (const actor of actors) await actor.run(({ enter }, region) => enter(region), this.region)
  }

  /** Somebody else, who is to be killed first. */
  async another(): Promise<Actor> {
    const actor = await this.#troupe.victim()
    this.besides.push(actor)
    return actor
  }

  /** Until it is so, or the victim stands still, from when on it may never be so. */
  until(what: string, isSo: () => boolean): Promise<void> {
    return until(what, () => this.#over || isSo())
  }

  /** As it stands still, so that what it holds is what it will have held. Nobody else may see the region's end. */
  look(alone = false): Death {
    this.#over = true
    if (alone) {
      this.#resolve(NOTHING)
      return NOTHING
    }
    const all = [this.victim, ...this.besides].map(({ pid }) => this.view.belongings(pid))
    const has = (what: 'mutex' | 'write' | 'barrier') => all.some((each) => each[what])
    const death = {
      // Or somebody has died before, of which nobody has been told.
      mutex: has('mutex') || this.view.tells('mutex'),
      write: has('write') || this.view.tells('rwlock'),
      barrier: has('barrier') || this.view.broken,
      wasSet: this.view.wasSet,
      heldWhole: this.view.belongings(this.victim.pid).mutex && !this.view.tells('mutex'),
      total: this.view.permits,
      opened: this.view.generation > 0,
    }
    this.#resolve(death)
    return death
  }

  /** The dead have been taken out of the region. */
  async buried(): Promise<void> {
    const dead = [this.victim, ...this.besides].map(({ pid }) => pid)
    await until('the dead are taken out', () => !this.view.attached.some((pid) => dead.includes(pid)))
  }

  end(): void {
    this.#over = true
    this.#view?.[Symbol.dispose]()
  }
}

/** The processes of one file of tests, which play over and over, but for those that are killed. */
export class Troupe {
  #survivors: readonly [Actor, Actor] | undefined
  #next: Promise<Actor> | undefined
  readonly #all = new Set<Actor>()

  async #start(): Promise<Actor> {
    const actor = await Actor.start()
    this.#all.add(actor)
    void actor.ended.then(() => this.#all.delete(actor))
    return actor
  }

  async cast(region: string): Promise<Cast> {
    this.#survivors ??= await Promise.all([this.#start(), this.#start()])
    return new Cast(this, this.#survivors, await this.victim(), region)
  }

  /** The one after it is started meanwhile. */
  async victim(): Promise<Actor> {
    const next = this.#next ?? this.#start()
    this.#next = this.#start()
    return await next
  }

  /** After a play that has gone wrong nobody knows what the survivors still have. */
  async dismiss(): Promise<void> {
    const survivors = this.#survivors ?? []
    this.#survivors = undefined
    await Promise.all(survivors.map((actor) => actor.kill()))
  }

  async end(): Promise<void> {
    await this.#next
    await within('all processes end', Promise.all([...this.#all].map((actor) => actor.kill())))
  }
}
