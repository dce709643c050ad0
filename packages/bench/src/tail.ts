import { began } from './clock.js'
import type { Rounds } from './rounds.js'
import type { Span } from './self-report.js'
import { type EndSeen, overlap, type Seen } from './stretch-watch.js'

/** What happened to one end while round trips were measured; null is what it does not tell. */
export interface EndTail {
  readonly collections: {
    readonly count: number
    readonly totalNs: number
    readonly longestNs: number
  } | null
  /** How often the kernel took the core from its thread, which had work. */
  readonly preemptions: number | null
  /** How long its thread had work and no core, in ns. */
  readonly waitedNs: number | null
  /** How often its channel has parked. */
  readonly parks: number | null
}

/**
 * What the slowest thousandth of the rounds, one at least, is made of. Collections are known to have happened in these
 * rounds. Waits for a core and parks are known for each stretch only: `waiting` and `parked` are the most that they can
 * account for, and `unexplained` the least that they cannot. The four sum up to `rounds`.
 */
export interface Tail {
  readonly rounds: number
  readonly collecting: number
  readonly waiting: number
  readonly parked: number
  readonly unexplained: number
  readonly here: EndTail
  /** Null where the peer is this thread. */
  readonly peer: EndTail | null
}

/** As many rounds are kept, and looked at in the end: a thousandth of a second full of rounds of 100 ns. */
const KEPT = 10_000

interface SlowRound extends Span {
  readonly stretch: number
}

/** Keeps the slowest rounds of a lane, and what happened in its stretches. */
export class TailLog {
  #slowest: SlowRound[] = []
  #count = 0
  /** What a round must exceed, in ns, to be among the slowest. */
  #limit = 0
  readonly #seen: Seen[] = []

  add(rounds: Rounds, seen: Seen): void {
    const stretch = this.#seen.push(seen) - 1
    this.#count += rounds.count
    for (const [before, after] of rounds.longerThan(this.#limit)) {
      this.#slowest.push({ from: began + before, to: began + after, stretch })
    }
    this.#slowest.sort((a, b) => b.to - b.from - (a.to - a.from)).splice(KEPT)
    const last = this.#slowest[KEPT - 1]
    if (last !== undefined) this.#limit = last.to - last.from
  }

  /** `usualNs`: what a round takes that is not slow. */
  tail(usualNs: number): Tail {
    const slow = this.#slowest.slice(0, Math.ceil(this.#count / 1000))
    let [collecting, waiting, parked] = [0, 0, 0]
    for (const [stretch, { here, peer }] of this.#seen.entries()) {
      const mine = slow.filter((round) => round.stretch === stretch)
      const collections = [...(here.collections ?? []), ...(peer?.collections ?? [])]
      const quiet = mine.filter((round) => !collections.some((collection) => overlap(collection, round)))
      const excess = quiet.map(({ from, to }) => to - from - usualNs)
      const waited = howMany(excess, (here.waitedNs ?? 0) + (peer?.waitedNs ?? 0))
      collecting += mine.length - quiet.length
      waiting += waited
      parked += Math.min(quiet.length - waited, (here.parks ?? 0) + (peer?.parks ?? 0))
    }
    const peers = this.#seen.flatMap(({ peer }) => (peer === undefined ? [] : [peer]))
    return {
      rounds: slow.length,
      collecting,
      waiting,
      parked,
      unexplained: slow.length - collecting - waiting - parked,
      here: sumUp(this.#seen.map(({ here }) => here)),
      peer: peers.length === 0 ? null : sumUp(peers),
    }
  }
}

/** How many of the parts a sum suffices for: of the small ones, which are the most. */
function howMany(parts: readonly number[], sum: number): number {
  let left = sum
  const small = [...parts].sort((a, b) => a - b)
  const tooMuch = small.findIndex((part) => {
    left -= part
    return left < 0
  })
  return tooMuch === -1 ? parts.length : tooMuch
}

function sumUp(stretches: readonly EndSeen[]): EndTail {
  const told = stretches.every(({ collections }) => collections !== undefined)
  const pauses = stretches.flatMap(({ collections = [] }) => collections.map(({ from, to }) => to - from))
  return {
    collections: told
      ? {
          count: pauses.length,
          totalNs: Math.round(pauses.reduce((sum, ns) => sum + ns, 0)),
          longestNs: Math.round(pauses.reduce((a, b) => Math.max(a, b), 0)),
        }
      : null,
    preemptions: sum(stretches.map(({ preemptions }) => preemptions)),
    waitedNs: sum(stretches.map(({ waitedNs }) => waitedNs)),
    parks: sum(stretches.map(({ parks }) => parks)),
  }
}

function sum(values: readonly (number | undefined)[]): number | null {
  let total = 0
  for (const value of values) {
    if (value === undefined) return null
    total += value
  }
  return total
}
