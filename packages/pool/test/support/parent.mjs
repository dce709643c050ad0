// A parent with a pool of two workers, in a thread of its own if it is told so: parent.mjs URL [thread] [busy]. It prints
// the pids of the workers when they are ready, and lets one of them spin, which prints its own. What comes on its standard
// input ends the thread.
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { Pool } from '@strait/pool'

const [url, ...how] = process.argv.slice(2)
if (isMainThread && how.includes('thread')) {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
  worker.on('message', (pids) => console.log(pids))
  process.stdin.once('data', () => worker.terminate())
} else {
  const pool = new Pool({ entry: new URL('./told.mjs', import.meta.url), url, workers: 2 })
  await pool.ready()
  const pids = pool.pids.join(' ')
  if (isMainThread) console.log(pids)
  else parentPort.postMessage(pids)
  if (how.includes('busy')) void pool.run('spin', [])
  // An idle pool keeps nobody.
  else setTimeout(() => {}, 2 ** 31 - 1)
}
