import { schemeOf } from 'strait'
import { Histogram, type Quantiles } from './histogram.js'
import type { Lane } from './lane.js'
import type { Placement } from './placement.js'
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
  /** The round trip of a C program over the same mechanism; null: not measured. */
  readonly floorNs: number | null
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

/** How far the medians of a lane's repeats lie apart, relative to the lowest. */
export interface Spread {
  readonly ratio: number
  readonly what: string
}

/** A lane and what was measured of it so far. */
export class Run {
  readonly #url: string
  readonly #mode: Mode
  readonly lane: Lane
  readonly #twin: boolean
  readonly #repeats: Histogram[] = []
  #cpuNs: number | undefined = 0
  #messages = 0
  #ns = 0

  constructor(url: string, mode: Mode, lane: Lane, who: 'ours' | 'twin' = 'ours') {
    this.#url = url
    this.#mode = mode
    this.lane = lane
    this.#twin = who === 'twin'
  }

  async warmUp({ warmUpMs }: Plan): Promise<void> {
    await roundTrips(this.lane, { ms: warmUpMs })
    await throughput(this.lane, warmUpMs)
  }

  /** The stretches that follow are compared with those before. */
  beginRepeat(): void {
    this.#repeats.push(new Histogram())
  }

  async stretch({ stretchMs }: Plan): Promise<void> {
    const { durations, cpuNs } = await roundTrips(this.lane, { ms: stretchMs })
    this.#repeats.at(-1)?.add(durations)
    this.#cpuNs = this.#cpuNs === undefined || cpuNs === undefined ? undefined : this.#cpuNs + cpuNs
    const { messages, ns } = await throughput(this.lane, stretchMs)
    this.#messages += messages
    this.#ns += ns
  }

  row(placement: Placement): Row {
    const { payloadBytes } = this.lane
    const durations = new Histogram()
    for (const repeat of this.#repeats) durations.add(repeat)
    const rounds = durations.count
    const perSecond = this.#messages / (this.#ns / 1e9)
    return {
      url: this.#url,
      scheme: schemeOf(this.#url, 'bench'),
      mode: this.#mode,
      placement,
      payloadBytes,
      rounds,
      rttNs: durations.quantiles(),
      messagesPerSecond: Math.round(perSecond),
      bytesPerSecond: Math.round(perSecond * payloadBytes),
      cpuPerRoundNs: this.#cpuNs === undefined ? null : Math.round(this.#cpuNs / rounds),
      floorNs: null,
      ratioToFloor: null,
      ...(this.#twin ? { peer: this.lane.name } : {}),
    }
  }

  spread(): Spread {
    const medians = this.#repeats.map((repeat) => repeat.quantiles().p50)
    const lowest = Math.min(...medians)
    const { name, payloadBytes } = this.lane
    const ratio = (Math.max(...medians) - lowest) / lowest
    return { ratio, what: `${name} at ${payloadBytes} bytes` }
  }
}
