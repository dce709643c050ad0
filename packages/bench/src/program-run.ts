import { schemeOf } from 'strait'
import { now } from './clock.js'
import { isNoisy, type Spread } from './doubts.js'
import type { Floor } from './floor.js'
import { pauses } from './mode.js'
import type { Pace } from './pace.js'
import type { Placement } from './placement.js'
import { Repeats } from './repeats.js'
import type { Plan, Row } from './results.js'
import type { Subject } from './run.js'
import type { EndTail, Tail } from './tail.js'

const UNTOLD: EndTail = { collections: null, preemptions: null, waitedNs: null, parks: null }

/** A program tells how long its rounds took, and not when they were. */
const NOT_LOOKED_AT: Tail = {
  rounds: 0,
  collecting: 0,
  waiting: 0,
  parked: 0,
  unexplained: 0,
  here: UNTOLD,
  peer: UNTOLD,
}

/** As {@link Run}, of a program without Node: its round trips, and nothing else. */
export class ProgramRun {
  readonly #subject: Subject
  readonly #payloadBytes: number
  readonly #program: Floor
  readonly #roundTrips = new Repeats()
  #warmUpMs = 0

  /** The program is the run's from now on, and closed with it. */
  constructor(subject: Subject, payloadBytes: number, program: Floor) {
    this.#subject = subject
    this.#payloadBytes = payloadBytes
    this.#program = program
  }

  processes(): { readonly pid: number }[] {
    return this.#program.pids.map((pid) => ({ pid }))
  }

  /** It began where it is to run. */
  place(): void {}

  /** Nothing is compiled while it runs. */
  async warmUp({ stretchMs }: Plan): Promise<void> {
    const began = now()
    await this.#program.run(stretchMs)
    this.#warmUpMs = Math.round((now() - began) / 1e6)
  }

  beginRepeat(): void {
    this.#roundTrips.begin()
  }

  async stretch({ stretchMs }: Plan): Promise<void> {
    const pause = pauses[this.#subject.mode]
    const ms = pause === undefined ? stretchMs : 3 * stretchMs
    this.#roundTrips.add(await this.#program.run(ms, pause))
  }

  repeats(): Repeats[] {
    return [this.#roundTrips]
  }

  row(placement: Placement, pace: Pace): Row {
    const { url, mode } = this.#subject
    const durations = this.#roundTrips.total()
    const spread = pace.spreadOf(this.#roundTrips)
    return {
      url,
      scheme: schemeOf(url, 'bench'),
      peer: this.#program.name,
      mode,
      waitStrategy: null,
      placement,
      payloadBytes: this.#payloadBytes,
      spread: Number(spread.toPrecision(4)),
      noisy: isNoisy(spread),
      warmUpMs: this.#warmUpMs,
      rounds: durations.count,
      rttNs: durations.quantiles(),
      distribution: durations.distribution(),
      messagesPerSecond: null,
      bytesPerSecond: null,
      bothWaysPerSecond: null,
      cpuPerRoundNs: null,
      switchesPerRound: null,
      floorNs: null,
      floorSpread: null,
      ratioToFloor: null,
      shareOfCopy: null,
      tail: NOT_LOOKED_AT,
    }
  }

  spreads(pace: Pace): Spread[] {
    const what = `${this.#program.name} ${this.#subject.mode} at ${this.#payloadBytes} bytes`
    return [{ ratio: pace.spreadOf(this.#roundTrips), what }]
  }

  close(): Promise<void> {
    return this.#program.close()
  }
}
