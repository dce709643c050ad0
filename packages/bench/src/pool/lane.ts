/** From the call of a job to its result, in ns. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** As a program says it. */
export function latencyOf(line: string): Latency {
  const [p50, p99] = line.split(' ').map(Number)
  return { p50: p50!, p99: p99! }
}

/** A pool, or what is measured beside pools, and how its users give it jobs. All times are in ns, for a job. */
export interface PoolLane {
  readonly name: string
  /** The URL of ours; of others whether its workers are threads or processes, or how it is called. */
  readonly mode: string
  readonly workers: number
  /** Of all processes but this one. */
  readonly pids: readonly number[]
  /** So many jobs `add(i, 1)`, each when the last one is done. - Errors: a wrong result. */
  one(count: number): Promise<Latency>
  /** The same at once; of what is no pool, nothing but the one. */
  batch?(count: number): Promise<number>
  /** So many jobs `fib(n)` at once; of Python, whose interpreter it would measure, none. */
  fib?(n: number, count: number): Promise<number>
  /** So many bytes there and back, so many times, one at a time; undefined: it has no way of its own for that. */
  echo?(bytes: number, count: number): Promise<number>
  /** The process and thread of a worker. */
  where?(): Promise<string>
  close(): Promise<void>
}

/** What has to be known of a pool that is called from here. */
export interface Jobs {
  readonly name: string
  readonly mode: string
  readonly workers: number
  readonly pids: readonly number[]
  add(i: number): PromiseLike<unknown>
  fib(n: number): PromiseLike<unknown>
  /** What comes back is sent next. */
  echo?(bytes: Uint8Array): PromiseLike<Uint8Array>
  where(): PromiseLike<string>
  close(): Promise<unknown>
}

/** A lane in this thread. */
export function laneOf(jobs: Jobs): PoolLane {
  const { name, mode, workers, pids, echo } = jobs
  const wrong = (what: unknown) => new Error(`${name}, ${mode}: a wrong result, ${what}`)
  return {
    name,
    mode,
    workers,
    pids,
    where: async () => jobs.where(),
    close: async () => void (await jobs.close()),
    async one(count) {
      const times = new Float64Array(count)
      for (let i = 0, start = performance.now(); i < count; i++) {
        const sum = await jobs.add(i)
        if (sum !== i + 1) throw wrong(sum)
        const end = performance.now()
        times[i] = end - start
        start = end
      }
      times.sort()
      const at = (part: number) => times[Math.floor(part * count)]! * 1e6
      return { p50: at(0.5), p99: at(0.99) }
    },
    async batch(count) {
      const start = performance.now()
      const sums = await Promise.all(Array.from({ length: count }, (_, i) => jobs.add(i)))
      const ns = since(start) / count
      for (const [i, sum] of sums.entries()) if (sum !== i + 1) throw wrong(sum)
      return ns
    },
    async fib(n, count) {
      const start = performance.now()
      const values = await Promise.all(Array.from({ length: count }, () => jobs.fib(n)))
      const ns = since(start) / count
      const value = fib(n)
      for (const each of values) if (each !== value) throw wrong(each)
      return ns
    },
    ...(echo === undefined
      ? {}
      : {
          async echo(length: number, count: number) {
            let bytes = new Uint8Array(length).fill(7)
            const start = performance.now()
            for (let i = 0; i < count; i++) bytes = (await echo(bytes)) as Uint8Array<ArrayBuffer>
            const ns = since(start) / count
            if (bytes.length !== length || bytes[0] !== 7 || bytes.at(-1) !== 7) throw wrong(bytes.length)
            return ns
          },
        }),
  }
}

/** In ns. */
const since = (start: number) => (performance.now() - start) * 1e6

/** What benchmarks/peers/pool-jobs.mjs does. */
export const fib = (n: number): number => (n < 2 ? 1 : fib(n - 1) + fib(n - 2))
