import { schemeOf } from 'strait'
import { now } from './clock.js'
import { isNoisy, type Spread } from './doubts.js'
import { canFlood, flood } from './flood.js'
import type { Floor } from './floor.js'
import { cpuTime, type Lane } from './lane.js'
import { type Mode, type Pause, pauses, waitStrategyOf } from './mode.js'
import type { Pace } from './pace.js'
import type { Placement, Placer } from './placement.js'
import { Repeats } from './repeats.js'
import type { Plan, Row } from './results.js'
import { makeRounds } from './round-trip.js'
import { Rounds } from './rounds.js'
import { StretchWatch } from './stretch-watch.js'
import { Rate, Total } from './sums.js'
import { SwitchCount } from './switches.js'
import { TailLog } from './tail.js'
import { throughput } from './throughput.js'
import { isWarm } from './warm-up.js'

const rounded = (value: number) => Number(value.toPrecision(4))

const whole = (value: number | null) => value && Math.round(value)

/** Round trips, the floor, one way and both ways; with pauses, twice three times as long. */
const PARTS = 6

/** What is to be measured. */
export interface Subject {
  readonly url: string
  readonly mode: Mode
  /** Whether the lane is the twin of the transport. */
  readonly twin?: boolean
}

/** A lane, its floor where it is to have one, and what was measured of both so far. */
export class Run {
  readonly #subject: Subject
  readonly lane: Lane
  readonly #rounds = new Rounds()
  readonly #roundTrips = new Repeats()
  readonly #floorRoundTrips = new Repeats()
  readonly #tail = new TailLog()
  readonly #cpuNs = new Total()
  readonly #switches = new Total()
  readonly #oneWay = new Rate()
  readonly #bothWays = new Rate()
  #floor: Floor | undefined
  #warmUpMs = 0
  #usedNs = 0

  constructor(subject: Subject, lane: Lane) {
    this.#subject = subject
    this.lane = lane
  }

  /** The floor is the run's from now on: measured in turns with the lane, and closed with it. */
  compareWith(floor: Floor): void {
    this.#floor = floor
  }

  /** The processes of both. */
  processes(): Pick<Lane, 'pid'>[] {
    return [this.lane, ...(this.#floor?.pids ?? []).map((pid) => ({ pid }))]
  }

  place(placer: Placer): void {
    placer.place(this.lane)
  }

  /** Without pauses, and until round trips become no quicker. */
  async warmUp({ warmUpMs, stretchMs }: Plan): Promise<void> {
    const began = now()
    const medians: number[] = []
    do {
      this.#rounds.clear()
      await makeRounds(this.lane, { ms: stretchMs }, this.#rounds)
      medians.push(this.#rounds.durations().quantiles().p50)
      await throughput(this.lane, stretchMs)
      if (canFlood(this.lane)) await flood([this.lane], stretchMs)
    } while (!isWarm(medians) && now() - began < warmUpMs * 1e6)
    this.#warmUpMs = Math.round((now() - began) / 1e6)
    await this.#floor?.run(stretchMs)
  }

  /** The stretches that follow are compared with those before. */
  beginRepeat(): void {
    this.#roundTrips.begin()
    this.#floorRoundTrips.begin()
    this.#usedNs = 0
  }

  /** Nothing, if the stretches before took the time of a whole repeat: one round may be longer than that. */
  async stretch(plan: Plan): Promise<void> {
    if (this.#usedNs > PARTS * plan.stretches * plan.stretchMs * 1e6) return
    const began = now()
    await this.#measure(plan)
    this.#usedNs += now() - began
  }

  async #measure({ stretchMs }: Plan): Promise<void> {
    const pause = pauses[this.#subject.mode]
    // With pauses there are few rounds, and nothing else to measure.
    const ms = pause === undefined ? stretchMs : 3 * stretchMs
    await this.#measureRounds(ms, pause)
    if (this.#floor !== undefined) this.#floorRoundTrips.add(await this.#floor.run(ms, pause))
    if (pause !== undefined) return
    this.#oneWay.add(await throughput(this.lane, ms))
    if (canFlood(this.lane)) this.#bothWays.add(await flood([this.lane], ms))
  }

  async #measureRounds(ms: number, pause: Pause | undefined): Promise<void> {
    const watch = await StretchWatch.begin(this.lane)
    const switches = new SwitchCount(this.lane)
    const cpuBefore = cpuTime([this.lane])
    this.#rounds.clear()
    await makeRounds(this.lane, { ms, pause }, this.#rounds)
    const seen = watch.end()
    const cpuAfter = cpuTime([this.lane])
    this.#switches.add(switches.total())
    const counted = cpuBefore !== undefined && cpuAfter !== undefined
    this.#cpuNs.add(counted ? cpuAfter - cpuBefore : undefined)
    this.#tail.add(this.#rounds, await seen)
    this.#roundTrips.add(this.#rounds.durations())
  }

  /** Those of the lane, and those of its floor. */
  repeats(): Repeats[] {
    return this.#floor === undefined ? [this.#roundTrips] : [this.#roundTrips, this.#floorRoundTrips]
  }

  row(placement: Placement, pace: Pace): Row {
    const { url, mode, twin } = this.#subject
    const { payloadBytes } = this.lane
    const leased = mode === 'leased'
    const durations = this.#roundTrips.total()
    const rounds = durations.count
    const rttNs = durations.quantiles()
    const switches = this.#switches.each(rounds)
    const spread = pace.spreadOf(this.#roundTrips)
    const floorNs = this.#floor === undefined ? null : this.#floorRoundTrips.total().quantiles().p50
    const perSecond = this.#oneWay.perSecond()
    return {
      url,
      scheme: schemeOf(url, 'bench'),
      mode,
      waitStrategy: twin ? null : waitStrategyOf(url),
      placement,
      payloadBytes,
      spread: rounded(spread),
      noisy: isNoisy(spread),
      warmUpMs: this.#warmUpMs,
      rounds,
      rttNs,
      distribution: durations.distribution(),
      messagesPerSecond: whole(perSecond),
      bytesPerSecond: whole(perSecond && perSecond * payloadBytes),
      bothWaysPerSecond: whole(this.#bothWays.perSecond()),
      cpuPerRoundNs: whole(this.#cpuNs.each(rounds)),
      switchesPerRound: switches && rounded(switches),
      floorNs,
      floorSpread: floorNs === null ? null : rounded(pace.spreadOf(this.#floorRoundTrips)),
      ratioToFloor: floorNs === null || leased ? null : rounded(rttNs.p50 / floorNs),
      shareOfCopy:
        floorNs === null || perSecond === null || !leased ? null : rounded((perSecond * floorNs) / 1e9),
      tail: this.#tail.tail(rttNs.p50),
      ...(twin ? { peer: this.lane.name } : {}),
    }
  }

  spreads(pace: Pace): Spread[] {
    const { name, payloadBytes } = this.lane
    const { url, mode, twin } = this.#subject
    const what = `${twin ? name : url} ${mode} at ${payloadBytes} bytes`
    const ours = { ratio: pace.spreadOf(this.#roundTrips), what }
    if (this.#floor === undefined) return [ours]
    const floor = `${this.#floor.name} ${mode} at ${payloadBytes} bytes`
    return [ours, { ratio: pace.spreadOf(this.#floorRoundTrips), what: floor }]
  }

  async close(): Promise<void> {
    await Promise.all([this.lane.close(), this.#floor?.close()])
  }
}
