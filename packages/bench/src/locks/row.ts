import type { Placement } from '../placement.js'

interface LockRowBase {
  /** `Mutex` is ours. */
  readonly name: string
  /** How it is used, or which kind of it this is. */
  readonly mode: string
  readonly placement: Placement
  /**
   * To `pthread_mutex`, robust and process-shared, in the same run and by as many: of ns, or of sections per second. Null:
   * not measured.
   */
  readonly ratioToFloor: number | null
  /** How far the medians of the repeats lie apart, relative to the lowest. */
  readonly spread: number
}

/** Nobody else wants the lock. */
export interface UncontendedRow extends LockRowBase {
  readonly kind: 'uncontended'
  /** Lock and release, the median of the stretches. */
  readonly nsPerPair: number
}

/** Several hammer on it, each with no pause between a release and the next lock. */
export interface ContendedRow extends LockRowBase {
  readonly kind: 'contended'
  /** How many, each with an event loop of its own. */
  readonly sides: number
  readonly by: 'processes' | 'threads'
  /** All of them together, the median of the repeats. */
  readonly sectionsPerSecond: number
  /** In all. The counter that they increment has said the same, or there would be no row. */
  readonly sections: number
  /** What each had of the sections; together 1. */
  readonly shares: readonly number[]
  /** The longest time in which a side that wanted the lock did not get it. */
  readonly longestWaitMs: number
  /** CPU time that all of them used for a section; null where the kernel does not count it. */
  readonly cpuPerSectionNs: number | null
}

export type LockRow = UncontendedRow | ContendedRow
