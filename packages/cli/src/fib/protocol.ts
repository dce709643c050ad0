/** What a worker says first. Until an empty message it then answers the bench's questions; afterwards it does jobs. */
export interface Hello {
  readonly pid: number
  /** Where a worker is a thread. */
  readonly tid?: number
}

export interface Job {
  readonly n: number
}

export interface Result {
  readonly value: number
}
