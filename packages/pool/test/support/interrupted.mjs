// A pool in a terminal: interrupted.mjs URL ORDERLY|DEFAULT JOBS MS. An orderly one closes its pool at Ctrl-C, and then
// says which jobs are done.
import { Pool } from '@strait/pool'

const [url, manner, jobs, ms] = process.argv.slice(2)
const pool = new Pool({ entry: new URL('./told.mjs', import.meta.url), url, workers: 3, grace: 500 })
const results = Array.from({ length: Number(jobs) }, (_, item) => pool.run('work', [item, Number(ms)]))
if (manner === 'orderly') {
  process.once('SIGINT', async () => {
    await pool.close()
    console.log(`done ${(await Promise.all(results)).length}`)
    process.exit()
  })
}
console.log('begun')
await Promise.all(results)
console.log('idle')
setTimeout(() => {}, 2 ** 31 - 1)
