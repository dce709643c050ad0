import type { Bin, Quantiles } from './histogram.js'
import type { Machine } from './machine.js'
import type { Mode, WaitStrategy } from './mode.js'
import type { Placement } from './placement.js'
import type { Tail } from './tail.js'

/** What a run leaves; `strait bench --json` prints it. Null is what was not measured. */
export interface Results {
  /** Of this form; another number means other fields. */
  readonly version: 2
  /** What was called, in words, where a program knows. */
  readonly command?: readonly string[]
  /** When it began, ISO 8601, in UTC. */
  readonly date: string
  readonly machine: Machine
  readonly plan: Plan
  readonly rows: readonly Row[]
  readonly connections: readonly ConnectionRow[]
  readonly fanIn: readonly FanInRow[]
  /** What was measured at different times; the rows of one that has notes are all noisy. */
  readonly parts: readonly Part[]
  /** Why the floors that were asked for are not there. */
  readonly floorMissing?: string
  /** Which peer programs that were asked for are not there, and why. */
  readonly peersMissing: readonly string[]
}

/** What was measured together. What the machine did meanwhile says nothing of another part. */
export interface Part {
  /** In words. */
  readonly what: string
  /** How far apart the paces of the machine in the repeats lie; null where too little ran in turns to tell. */
  readonly paceSpread: number | null
  /** Why none of it should be quoted; empty is good. Of a single row `noisy` says so. */
  readonly notes: readonly string[]
}

/** How long a lane is measured: repeats of so many stretches. */
export interface Plan {
  /** At most so long. */
  readonly warmUpMs: number
  readonly repeats: number
  readonly stretches: number
  readonly stretchMs: number
}

/** Whose figures a row has. */
export interface Measured {
  readonly url: string
  readonly scheme: string
  /** The name of the peer program, in its row. */
  readonly peer?: string
  /** How far apart the repeats' medians lie, at the pace of all others; the README says how that is meant. */
  readonly spread: number
  /** That is more than a tenth, or the part of the run has notes: the figures should not be quoted. */
  readonly noisy: boolean
}

/** Messages of one lane. Times are in ns, sizes in bytes. */
export interface Row extends Measured {
  readonly mode: Mode
  /** Null for transports that have no choice. */
  readonly waitStrategy: WaitStrategy | null
  readonly placement: Placement
  readonly payloadBytes: number
  /** How long it took until round trips became no quicker. */
  readonly warmUpMs: number
  readonly rounds: number
  readonly rttNs: Quantiles
  /** All rounds, in bins of a 48th of a decade, without empty ones. */
  readonly distribution: readonly Bin[]
  /** One way; null where the mode is one of pauses. */
  readonly messagesPerSecond: number | null
  readonly bytesPerSecond: number | null
  /** Each way while both ends send at once; null in modes that have pauses, block or write in place. */
  readonly bothWaysPerSecond: number | null
  /** CPU time that both processes used for a round trip; null where the kernel does not count it. */
  readonly cpuPerRoundNs: number | null
  /** Context switches, voluntary or not, of all threads of both; null where the kernel does not count them. */
  readonly switchesPerRound: number | null
  /** The median of a C program over the same mechanism, which blocks, or in mode leased of one memcpy; null: not measured. */
  readonly floorNs: number | null
  /** As `spread`, of the floor. */
  readonly floorSpread: number | null
  /** Our median to that; null in mode leased, where it would be two ways to one copy. */
  readonly ratioToFloor: number | null
  /** In mode leased, our bytes per second, one way, to those of the memcpy. */
  readonly shareOfCopy: number | null
  /** What the slowest rounds are made of. */
  readonly tail: Tail
}

/** What it costs to begin. */
export interface ConnectionRow extends Measured {
  /** From `connect`, to an address at which somebody listens already, to an open channel. */
  readonly connectNs: Quantiles | null
  /** From the same call to the answer to the first message. */
  readonly firstMessageNs: Quantiles | null
  /** From `spawnPeer` to the answer to the first message of the new process. */
  readonly spawnNs: Quantiles | null
  /** How often each was done. */
  readonly rounds: number
}

/** Many peers that ask one process at once. */
export interface FanInRow extends Measured {
  readonly peers: number
  readonly payloadBytes: number
  /** From all peers together. */
  readonly messagesPerSecond: number
  /** That to the same with one peer, measured in turns. */
  readonly ratioToOne: number
  /** The part of all messages that came from the peer with the fewest; 1 / `peers` is fair. */
  readonly smallestShare: number
}
