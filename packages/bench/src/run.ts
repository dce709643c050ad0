import { schemeOf } from 'strait'
import type { Floor } from './floor.js'
import type { Quantiles } from './histogram.js'
import type { Lane } from './lane.js'
import type { Placement } from './placement.js'
import { Repeats } from './repeats.js'
import { roundTrips } from './round-trip.js'
import { throughput } from './throughput.js'

/** `hot`: the next question follows the last answer at once. */
export const modes = ['hot'] as const
export type Mode = (typeof modes)[number]

/** What was measured of one lane. Times are in ns, sizes in bytes. */
export interface Row {
  readonly url: string
  readonly scheme: string
  readonly mode: Mode
  readonly placement: Placement
  readonly payloadBytes: number
  readonly rounds: number
  readonly rttNs: Quantiles
  /** One way. */
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  /** CPU time that both processes used for a round trip; null where the kernel does not count it. */
  readonly cpuPerRoundNs: number | null
  /** The median of a C program over the same mechanism, which blocks; null: not measured. */
  readonly floorNs: number | null
  /** Our median to that. */
  readonly ratioToFloor: number | null
  /** The name of the twin, in a twin's row. */
  readonly peer?: string
}

/** How long a lane is measured: repeats of so many stretches. */
export interface Plan {
  readonly warmUpMs: number
  readonly repeats: number
  readonly stretches: number
  readonly stretchMs: number
}

/** How far the medians of the repeats lie apart, relative to the lowest. */
export interface Spread {
  readonly ratio: number
  readonly what: string
}

/** A lane, its floor where it is to have one, and what was measured of both so far. */
export class Run {
  readonly #url: string
  readonly #mode: Mode
  readonly lane: Lane
  readonly #twin: boolean
  readonly #roundTrips = new Repeats()
  readonly #floorRoundTrips = new Repeats()
  #floor: Floor | undefined
  #cpuNs: number | undefined = 0
  #messages = 0
  #ns = 0

  constructor(url: string, mode: Mode, lane: Lane, who: 'ours' | 'twin' = 'ours') {
    this.#url = url
    this.#mode = mode
    this.lane = lane
    this.#twin = who === 'twin'
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
    await roundTrips(this.lane, { ms: warmUpMs })
    await this.#floor?.run(warmUpMs)
    await throughput(this.lane, warmUpMs)
  }

  /** The stretches that follow are compared with those before. */
  beginRepeat(): void {
    this.#roundTrips.begin()
    this.#floorRoundTrips.begin()
  }

  async stretch({ stretchMs }: Plan): Promise<void> {
    const { durations, cpuNs } = await roundTrips(this.lane, { ms: stretchMs })
    this.#roundTrips.add(durations)
    this.#cpuNs = this.#cpuNs === undefined || cpuNs === undefined ? undefined : this.#cpuNs + cpuNs
    if (this.#floor !== undefined) this.#floorRoundTrips.add(await this.#floor.run(stretchMs))
    const { messages, ns } = await throughput(this.lane, stretchMs)
    this.#messages += messages
    this.#ns += ns
  }

  row(placement: Placement): Row {
    const { payloadBytes } = this.lane
    const durations = this.#roundTrips.total()
    const rounds = durations.count
    const rttNs = durations.quantiles()
    const floorNs = this.#floor === undefined ? null : this.#floorRoundTrips.total().quantiles().p50
    const perSecond = this.#messages / (this.#ns / 1e9)
    return {
      url: this.#url,
      scheme: schemeOf(this.#url, 'bench'),
      mode: this.#mode,
      placement,
      payloadBytes,
      rounds,
      rttNs,
      messagesPerSecond: Math.round(perSecond),
      bytesPerSecond: Math.round(perSecond * payloadBytes),
      cpuPerRoundNs: this.#cpuNs === undefined ? null : Math.round(this.#cpuNs / rounds),
      floorNs,
      ratioToFloor: floorNs === null ? null : Number((rttNs.p50 / floorNs).toPrecision(4)),
      ...(this.#twin ? { peer: this.lane.name } : {}),
    }
  }

  spreads(): Spread[] {
    const { name, payloadBytes } = this.lane
    const ours = { ratio: this.#roundTrips.spread(), what: `${name} at ${payloadBytes} bytes` }
    if (this.#floor === undefined) return [ours]
    const what = `${this.#floor.name} at ${payloadBytes} bytes`
    return [ours, { ratio: this.#floorRoundTrips.spread(), what }]
  }

  async close(): Promise<void> {
    await Promise.all([this.lane.close(), this.#floor?.close()])
  }
}
