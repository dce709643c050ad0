import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** Starts so many threads in a file, and resolves once all have ended; should one fail, the others are terminated. */
export async function crew(
  file: string,
  count: number,
  workerData: (index: number) => object,
): Promise<void> {
  const threads = Array.from(
    { length: count },
    (_, index) => new Worker(new URL(file), { workerData: workerData(index) }),
  )
  try {
    await Promise.all(threads.map((thread) => once(thread, 'exit')))
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
}
