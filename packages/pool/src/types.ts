import type { WaitOptions } from '@strait/core'

// biome-ignore lint/suspicious/noExplicitAny: any function can be called
export type AnyFunction = (this: any, ...values: any[]) => any

/** The names of the functions that a module exports. */
export type NameOf<Functions> = {
  [Name in keyof Functions]: Functions[Name] extends AnyFunction ? Name : never
}[keyof Functions] &
  string

export type ArgumentsOf<F> = F extends (this: never, ...values: infer A) => unknown ? A : never
export type ResultOf<F> = F extends (this: never, ...values: never[]) => infer R ? Awaited<R> : never
/** What a function of one argument takes. */
export type ItemOf<F> = ArgumentsOf<F> extends [(infer A)?, ...unknown[]] ? A : never

export interface JobOptions extends WaitOptions {
  /**
   * In ms, from the call on. After that the job rejects with `TIMEOUT`, and is stopped as an aborted one is. Default:
   * never.
   */
  timeout?: number | undefined
  /**
   * It does no harm to run it again: when its worker dies it runs elsewhere, in all at most so many times. Default: 1,
   * and it fails.
   */
  attempts?: number | undefined
}

export interface MapOptions extends JobOptions {
  /** So many jobs at most are taken from the items before their results are read. Default: 64 for each worker. */
  ahead?: number | undefined
  /** After each job: so many are done, of so many as far as that is known. */
  onProgress?: ((done: number, total: number | undefined) => void) | undefined
}

export interface PoolOptions {
  /** The module that exports the functions. */
  entry: string | URL
  /**
   * How workers are reached, as for `spawnPeer`: `shm:`, `unix:`, …; `worker:` makes them threads. Default: `shm:`, without
   * the native addon `unix:`.
   */
  url?: string | undefined
  /** As many as `min` and `max` at once. Default: one for each processor that this process may use. */
  workers?: number | undefined
  /** So many are there also when there is nothing to do. Default: `workers`, or 0 where only `max` is given. */
  min?: number | undefined
  /** More are started up to this many while jobs wait. Default: `workers`. */
  max?: number | undefined
  /** A worker beyond `min` that has had nothing to do for so long, in ms, is let go. Default: 10,000. */
  idleTimeout?: number | undefined
  /** So many jobs may wait; `run` rejects one more with `NO_RESOURCES`, and `room` waits. Default: any number. */
  maxWaiting?: number | undefined
  /** Runs in each worker before its first job. When it fails so does the worker's start. */
  initialize?: { readonly name: string; readonly args?: readonly unknown[] } | undefined
  /** A worker is replaced after so many jobs. Default: never. */
  maxJobs?: number | undefined
  /** A process that is found to have more memory of its own than so many bytes after a job is replaced. Default: never. */
  maxMemory?: number | undefined
  /** How long a job that is to be stopped may go on until SIGTERM, and again until SIGKILL, in ms. Default: 1,000. */
  grace?: number | undefined
  /** Largest argument or result, in bytes. Default: 16 MiB. */
  maxMessageSize?: number | undefined
  /** Of the workers, as for `spawnPeer`. */
  env?: NodeJS.ProcessEnv | undefined
  execArgv?: readonly string[] | undefined
  cwd?: string | undefined
}
