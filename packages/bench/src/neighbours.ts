import { machineCpuTime, now } from './clock.js'
import { cpuTime, type Lane } from './lane.js'

/** Watches how many cores everybody else on the machine keeps busy while lanes are measured. */
export class Neighbours {
  readonly #lanes: readonly Pick<Lane, 'pid'>[]
  readonly #since = now()
  readonly #machine = machineCpuTime()
  readonly #own: number | undefined

  constructor(lanes: readonly Pick<Lane, 'pid'>[]) {
    this.#lanes = lanes
    this.#own = cpuTime(lanes)
  }

  /** On average since the beginning; undefined where the kernel does not count it. */
  cores(): number | undefined {
    const own = cpuTime(this.#lanes)
    if (own === undefined || this.#own === undefined) return undefined
    const others = machineCpuTime() - this.#machine - (own - this.#own)
    return Math.max(0, others / Number(now() - this.#since))
  }
}
