import { isMainThread, workerData } from 'node:worker_threads'
import { Barrier } from '@strait/sync'
import { crew } from './crew.js'

const THREADS = 4
const PART = 50_000 // numbers of each thread

interface Shared {
  index: number
  numbers: Int32Array
  sums: Float64Array
  seen: Float64Array
  line: ReturnType<Barrier['share']>
}

/** A sum in phases: nobody begins the next before all have ended the last. */
export async function barrier() {
  const numbers = new Int32Array(new SharedArrayBuffer(THREADS * PART * 4))
  const sums = new Float64Array(new SharedArrayBuffer((THREADS + 1) * 8))
  const seen = new Float64Array(new SharedArrayBuffer(THREADS * 8))
  const line = new Barrier(THREADS)
  await crew(
    import.meta.url,
    THREADS,
    (index): Shared => ({ index, numbers, sums, seen, line: line.share() }),
  )
  const { length } = numbers
  return { threads: THREADS, numbers: length, seen: [...seen], expected: (length * (length + 1)) / 2 }
}

function work({ index, numbers, sums, seen, ...shared }: Shared): void {
  const line = Barrier.from(shared.line)
  // 1. Each fills its own part.
  for (let at = index * PART; at < (index + 1) * PART; at++) numbers[at] = at + 1
  line.waitSync()
  // 2. Each adds up the part of its neighbour, which is complete by now.
  const from = ((index + 1) % THREADS) * PART
  for (let at = from; at < from + PART; at++) sums[index]! += numbers[at]!
  // 3. One of them, whoever came first, adds up the sums.
  if (line.waitSync() === 0) {
    for (let part = 0; part < THREADS; part++) sums[THREADS]! += sums[part]!
  }
  line.waitSync()
  // 4. And all know it.
  seen[index] = sums[THREADS]!
}

if (!isMainThread) work(workerData)

export function tellBarrier({
  threads,
  numbers,
  seen,
  expected,
}: Awaited<ReturnType<typeof barrier>>): string[] {
  return [`${threads} threads have added 1 to ${numbers}: they know ${seen.join(' ')}, and it is ${expected}`]
}
