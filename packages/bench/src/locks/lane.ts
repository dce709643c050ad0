/** How often a lock was locked and released, and how long that took in all. */
export interface Pairs {
  readonly count: number
  readonly ns: number
}

/** What a side has had of a stretch. */
export interface Share {
  readonly sections: number
  /** The longest time in which it did not get the lock. */
  readonly longestNs: number
}

/** What a stretch with several sides has come to. */
export interface Contest {
  /** What the counter says that every section increments. */
  readonly count: number
  /** From the common start until the last section has ended. */
  readonly ns: number
  readonly shares: readonly Share[]
}

interface LockLaneBase {
  readonly name: string
  readonly mode: string
  /** Of all processes but this one. */
  readonly pids: readonly number[]
  close(): Promise<void>
}

/** A lock that nobody else wants. */
export interface PairLane extends LockLaneBase {
  pairs(ms: number): Promise<Pairs>
}

/** Several who want one lock. */
export interface ContestLane extends LockLaneBase {
  readonly sides: number
  readonly by: 'processes' | 'threads'
  /** Rejects when one of them has ended. */
  contend(ms: number): Promise<Contest>
}

export type LockLane = PairLane | ContestLane
