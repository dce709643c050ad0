import type { Spread } from '../doubts.js'
import { cpuTime } from '../lane.js'
import type { Placement } from '../placement.js'
import type { Plan } from '../results.js'
import type { ContestLane, LockLane, PairLane } from './lane.js'
import type { ContendedRow, LockRow, UncontendedRow } from './row.js'
import { Samples } from './samples.js'

const rounded = (value: number) => Number(value.toPrecision(4))

/** A lane and what was measured of it so far. */
export interface LockRun {
  readonly lane: LockLane
  warmUp(plan: Plan): Promise<void>
  /** The stretches that follow are compared with those before. */
  beginRepeat(): void
  stretch(plan: Plan): Promise<void>
  /** How fast it is; the more the better. */
  speed(): number
  row(placement: Placement, floor: LockRun | undefined): LockRow
  spread(): Spread
}

const nameOf = ({ name, mode }: LockLane) => `${name}, ${mode}`

export class PairRun implements LockRun {
  readonly lane: PairLane
  readonly #nsPerPair = new Samples()

  constructor(lane: PairLane) {
    this.lane = lane
  }

  async warmUp({ warmUpMs }: Plan): Promise<void> {
    await this.lane.pairs(warmUpMs)
  }

  beginRepeat(): void {
    this.#nsPerPair.begin()
  }

  async stretch({ stretchMs }: Plan): Promise<void> {
    const { count, ns } = await this.lane.pairs(stretchMs)
    this.#nsPerPair.add(ns / count)
  }

  speed(): number {
    return 1e9 / this.#nsPerPair.median()
  }

  row(placement: Placement, floor: LockRun | undefined): UncontendedRow {
    const { name, mode } = this.lane
    return {
      name,
      kind: 'uncontended',
      mode,
      placement,
      nsPerPair: rounded(this.#nsPerPair.median()),
      ratioToFloor: floor === undefined ? null : rounded(floor.speed() / this.speed()),
      spread: rounded(this.#nsPerPair.spread()),
    }
  }

  spread(): Spread {
    return { ratio: this.#nsPerPair.spread(), what: `${nameOf(this.lane)}, alone` }
  }
}

export class ContestRun implements LockRun {
  readonly lane: ContestLane
  readonly #perSecond = new Samples()
  readonly #sections: number[]
  #longestNs = 0
  #cpuNs: number | undefined = 0

  constructor(lane: ContestLane) {
    this.lane = lane
    this.#sections = new Array(lane.sides).fill(0)
  }

  async warmUp({ warmUpMs }: Plan): Promise<void> {
    await this.lane.contend(warmUpMs)
  }

  beginRepeat(): void {
    this.#perSecond.begin()
  }

  async stretch({ stretchMs }: Plan): Promise<void> {
    const { lane } = this
    const ends = lane.pids.map((pid) => ({ pid }))
    const before = cpuTime(ends)
    const { count, ns, shares } = await lane.contend(stretchMs)
    const after = cpuTime(ends)
    const counted = this.#cpuNs !== undefined && before !== undefined && after !== undefined
    this.#cpuNs = counted ? this.#cpuNs! + after - before : undefined
    const sections = shares.reduce((sum, share) => sum + share.sections, 0)
    if (sections !== count) {
      throw new Error(`${nameOf(lane)}: after ${sections} sections the counter that they guard says ${count}`)
    }
    this.#perSecond.add(sections / (ns / 1e9))
    for (const [side, share] of shares.entries()) {
      this.#sections[side]! += share.sections
      this.#longestNs = Math.max(this.#longestNs, share.longestNs)
    }
  }

  speed(): number {
    return this.#perSecond.median()
  }

  row(placement: Placement, floor: LockRun | undefined): ContendedRow {
    const { name, mode, sides, by } = this.lane
    const sections = this.#sections.reduce((sum, own) => sum + own, 0)
    return {
      name,
      kind: 'contended',
      mode,
      sides,
      by,
      placement,
      sectionsPerSecond: Math.round(this.speed()),
      sections,
      shares: this.#sections.map((own) => rounded(own / sections)),
      longestWaitMs: rounded(this.#longestNs / 1e6),
      cpuPerSectionNs: this.#cpuNs === undefined ? null : rounded(this.#cpuNs / sections),
      ratioToFloor: floor === undefined ? null : rounded(this.speed() / floor.speed()),
      spread: rounded(this.#perSecond.spread()),
    }
  }

  spread(): Spread {
    const { sides, by } = this.lane
    return { ratio: this.#perSecond.spread(), what: `${nameOf(this.lane)}, ${sides} ${by}` }
  }
}
