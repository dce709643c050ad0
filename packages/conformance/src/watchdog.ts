import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { parentPort, Worker, workerData } from 'node:worker_threads'

// While a thread is blocked, no timer of it fires, so that a call that hangs would hang the whole run without a word. Another
// thread looks after it: it names the test and kills the process.

/** Two cells, then the name of the test in UTF-8. */
const BEATS = 0
const NAME_LENGTH = 1
const NAME = 2 * Int32Array.BYTES_PER_ELEMENT
const SIZE = 1024

/** How often the thread must show that its event loop runs, in ms; after so many of these without a sign it is lost. */
const INTERVAL = 1_000
const PATIENCE = 60

const MARK = 'strait watchdog'

let memory: SharedArrayBuffer | undefined

/** Starts the watchdog of this process, once; it is no leftover of a test that begins later. */
export async function startWatchdog(): Promise<void> {
  if (memory !== undefined) return
  memory = new SharedArrayBuffer(SIZE)
  const worker = new Worker(new URL(import.meta.url), { workerData: { [MARK]: memory } })
  await once(worker, 'message')
  worker.unref()
}

/** Watches this thread until the returned function is called. `name` is what hangs when it blocks for ever. */
export function watch(name: string): () => void {
  if (memory === undefined) return () => {}
  const cells = new Int32Array(memory, 0, 2)
  const { written } = new TextEncoder().encodeInto(name, new Uint8Array(memory, NAME))
  const beat = () => Atomics.add(cells, BEATS, 1)
  Atomics.store(cells, NAME_LENGTH, written)
  beat()
  Atomics.notify(cells, NAME_LENGTH)
  const timer = setInterval(beat, INTERVAL)
  return () => {
    clearInterval(timer)
    Atomics.store(cells, NAME_LENGTH, 0)
  }
}

function guard(shared: SharedArrayBuffer): never {
  const cells = new Int32Array(shared, 0, 2)
  parentPort!.postMessage('ready')
  for (;;) {
    Atomics.wait(cells, NAME_LENGTH, 0)
    let beats = Atomics.load(cells, BEATS)
    let silent = 0
    while (Atomics.load(cells, NAME_LENGTH) > 0 && silent < PATIENCE) {
      Atomics.wait(cells, BEATS, beats, INTERVAL)
      const now = Atomics.load(cells, BEATS)
      silent = now === beats ? silent + 1 : 0
      beats = now
    }
    if (silent < PATIENCE) continue
    const name = new TextDecoder().decode(new Uint8Array(shared, NAME, cells[NAME_LENGTH]).slice())
    writeSync(2, `hung: the thread has been blocked for ${(PATIENCE * INTERVAL) / 1000} s in “${name}”\n`)
    process.kill(process.pid, 'SIGKILL')
  }
}

const watched: SharedArrayBuffer | undefined = workerData?.[MARK]
if (watched !== undefined) guard(watched)
