/** One at a time; 20,000 at once; fib(30) × 100; bytes there and back. */
export const works = ['one', 'batch', 'fib', 'buffer'] as const
export type Work = (typeof works)[number]

/** What a job has cost in a pool. */
export interface PoolRow {
  readonly work: Work
  /** `Pool` is ours. */
  readonly name: string
  /** As in `PoolLane`. */
  readonly mode: string
  readonly workers: number
  /** How an end of `shm:` waits; null: not ours to choose. */
  readonly wait: string | null
  /** Of a buffer. */
  readonly bytes: number | null
  /** One at a time, from the call to the result, the median of all jobs; else, from the first call to the last result. */
  readonly nsPerJob: number
  /** One at a time, which one in a hundred exceeds; null for other work. */
  readonly p99Ns: number | null
  /** CPU time of this process and the workers together, for a job; null where the kernel does not count it. */
  readonly cpuPerJobNs: number | null
  /** Of `fib`: its speed to that of one core, measured in this thread in the same run, times the cores it may use. */
  readonly efficiency: number | null
  /** Of time, to piscina with as many workers in the same run; null: not measured. */
  readonly ratioToPiscina: number | null
  /** At most so much that ratio is to be; null: it has no bar. */
  readonly bar: number | null
  /** How far the repeats lie apart, relative to the lowest. */
  readonly spread: number
}
