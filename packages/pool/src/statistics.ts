import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** What a pool has done and does. All histograms are in ns. */
export interface PoolStatistics {
  /** Workers that are ready, and that are being started. */
  readonly workers: number
  readonly starting: number
  /** Jobs that wait, and that are on their way or run. */
  readonly waiting: number
  readonly running: number
  /** Jobs that ended well, and in an error, which may be of the job, the worker or whoever gave it up. */
  readonly done: number
  readonly failed: number
  /** Workers that have ended, for whatever reason. */
  readonly ended: number
  /** From `run` until the job began, as far as it did not travel. */
  readonly wait: RecordableHistogram
  /** In the worker: the function alone. */
  readonly run: RecordableHistogram
  /** There and back: what is neither. */
  readonly transfer: RecordableHistogram
}

/** The times of all jobs. */
export class Times {
  readonly wait = createHistogram()
  readonly run = createHistogram()
  readonly transfer = createHistogram()

  /** All in ms. */
  record(total: number, run: number, transfer: number): void {
    this.wait.record(nanoseconds(total - run - transfer))
    this.run.record(nanoseconds(run))
    this.transfer.record(nanoseconds(transfer))
  }
}

/** A histogram begins at 1. */
const nanoseconds = (ms: number) => Math.max(1, Math.round(ms * 1e6))
