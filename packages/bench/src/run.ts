import { schemeOf } from 'strait'
import { now } from './clock.js'
import { isNoisy, type Spread } from './doubts.js'
import type { Floor } from './floor.js'
import { cpuTime, type Lane } from './lane.js'
import { type Mode, PAUSE_MS, waitStrategyOf } from './mode.js'
import type { Placement } from './placement.js'
import { Repeats } from './repeats.js'
import type { Plan, Row } from './results.js'
import { makeRounds } from './round-trip.js'
import { Rounds } from './rounds.js'
import { StretchWatch } from './stretch-watch.js'
import { TailLog } from './tail.js'
import { throughput } from './throughput.js'

const rounded = (value: number) => Number(value.toPrecision(4))

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
  #floor: Floor | undefined
  #cpuNs: number | undefined = 0
  #warmUpMs = 0
  #messages = 0
  #ns = 0

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

  async warmUp({ warmUpMs }: Plan): Promise<void> {
    const began = now()
    await makeRounds(this.lane, { ms: warmUpMs }, this.#rounds)
    await this.#floor?.run(warmUpMs)
    await throughput(this.lane, warmUpMs)
    this.#warmUpMs = Math.round((now() - began) / 1e6)
  }

  /** The stretches that follow are compared with those before. */
  beginRepeat(): void {
    this.#roundTrips.begin()
    this.#floorRoundTrips.begin()
  }

  async stretch({ stretchMs }: Plan): Promise<void> {
    if (this.#subject.mode === 'parked') {
      await this.#measureRounds(2 * stretchMs, PAUSE_MS)
      return
    }
    await this.#measureRounds(stretchMs, 0)
    if (this.#floor !== undefined) this.#floorRoundTrips.add(await this.#floor.run(stretchMs))
    const { messages, ns } = await throughput(this.lane, stretchMs)
    this.#messages += messages
    this.#ns += ns
  }

  async #measureRounds(ms: number, pauseMs: number): Promise<void> {
    const watch = await StretchWatch.begin(this.lane)
    const cpuBefore = cpuTime([this.lane])
    this.#rounds.clear()
    await makeRounds(this.lane, { ms, pauseMs }, this.#rounds)
    const seen = watch.end()
    const cpuAfter = cpuTime([this.lane])
    const counted = this.#cpuNs !== undefined && cpuBefore !== undefined && cpuAfter !== undefined
    this.#cpuNs = counted ? this.#cpuNs! + cpuAfter - cpuBefore : undefined
    this.#tail.add(this.#rounds, await seen)
    this.#roundTrips.add(this.#rounds.durations())
  }

  row(placement: Placement): Row {
    const { url, mode, twin } = this.#subject
    const { payloadBytes } = this.lane
    const leased = mode === 'leased'
    const durations = this.#roundTrips.total()
    const rounds = durations.count
    const rttNs = durations.quantiles()
    const spread = this.#roundTrips.spread()
    const floorNs = this.#floor === undefined ? null : this.#floorRoundTrips.total().quantiles().p50
    const perSecond = this.#messages === 0 ? null : this.#messages / (this.#ns / 1e9)
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
      messagesPerSecond: perSecond && Math.round(perSecond),
      bytesPerSecond: perSecond && Math.round(perSecond * payloadBytes),
      bothWaysPerSecond: null,
      cpuPerRoundNs: this.#cpuNs === undefined ? null : Math.round(this.#cpuNs / rounds),
      switchesPerRound: null,
      floorNs,
      floorSpread: floorNs === null ? null : rounded(this.#floorRoundTrips.spread()),
      ratioToFloor: floorNs === null || leased ? null : rounded(rttNs.p50 / floorNs),
      shareOfCopy:
        floorNs === null || perSecond === null || !leased ? null : rounded((perSecond * floorNs) / 1e9),
      tail: this.#tail.tail(rttNs.p50),
      ...(twin ? { peer: this.lane.name } : {}),
    }
  }

  spreads(): Spread[] {
    const { name, payloadBytes } = this.lane
    const { url, mode, twin } = this.#subject
    const what = `${twin ? name : url} ${mode} at ${payloadBytes} bytes`
    const ours = { ratio: this.#roundTrips.spread(), what }
    if (this.#floor === undefined) return [ours]
    return [
      ours,
      { ratio: this.#floorRoundTrips.spread(), what: `${this.#floor.name} at ${payloadBytes} bytes` },
    ]
  }

  async close(): Promise<void> {
    await Promise.all([this.lane.close(), this.#floor?.close()])
  }
}
