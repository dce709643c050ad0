import { median } from './median.js'
import type { Repeats } from './repeats.js'
import { spreadOf } from './spread.js'

/** Fewer others cannot tell what the machine did from what one of them did. */
export const WITNESSES = 3

/**
 * The pace of the machine in each repeat of what runs in turns. A neighbour on the same host or another clock makes all
 * of it slower together, which says nothing of one lane: its repeats are compared by what all others did meanwhile.
 */
export class Pace {
  /** Of each, its repeats relative to the median of them. */
  readonly #all: ReadonlyMap<Repeats, readonly number[]>

  constructor(measured: readonly Repeats[]) {
    this.#all = new Map(
      measured.map((repeats) => {
        const medians = repeats.medians()
        const middle = median(medians)
        return [repeats, medians.map((one) => one / middle)]
      }),
    )
  }

  /** How far apart the repeats of one lie, as they are or at the pace of all others: what keeps either is certain. */
  spreadOf(repeats: Repeats): number {
    const own = this.#all.get(repeats)!
    const asTheyAre = spreadOf(own)
    const others = [...this.#all].filter(([one]) => one !== repeats).map(([, relative]) => relative)
    if (others.length < WITNESSES) return asTheyAre
    const pace = together(others)
    return Math.min(asTheyAre, spreadOf(own.map((one, repeat) => one / pace[repeat]!)))
  }

  /** How far apart the paces of the repeats lie; null where nobody can tell. */
  spread(): number | null {
    return this.#all.size <= WITNESSES ? null : spreadOf(together([...this.#all.values()]))
  }
}

/** The median of all in each repeat. */
function together(all: readonly (readonly number[])[]): number[] {
  return all[0]!.map((_, repeat) => median(all.map((one) => one[repeat]!)))
}
