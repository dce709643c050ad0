// Runs so many jobs, and prints what the heaps hold when half of them and when all are done.
import { Pool } from '@strait/pool'

const jobs = Number(process.argv[2])
const pool = new Pool({ entry: new URL('./heap.mjs', import.meta.url), workers: 1 })

function* numbers() {
  for (let n = 0; n < jobs; n++) yield n
}

const heap = []
const worker = []
async function look() {
  worker.push(await pool.run('heapUsed', []))
  // What is being settled still is no leftover.
  await new Promise((resolve) => setImmediate(resolve))
  gc()
  heap.push(process.memoryUsage().heapUsed)
}

let sum = 0
let done = 0
for await (const n of pool.imap('same', numbers())) {
  sum += n
  if (++done === jobs / 2) await look()
}
await look()
await pool.close()
console.log(JSON.stringify({ sum, heap, worker }))
