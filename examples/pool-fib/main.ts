import { parseArgs } from 'node:util'
import { Pool } from '@strait/pool'
import { peerSchemes, StraitError } from 'strait'

const HELP = `node examples/dist/pool-fib/main.js [URL …] [--json]

fib(10) to fib(19) by ten workers of a pool, over each URL: shm:, unix:, worker:, …
Without one: over all that this machine has. --json prints the results as one object.`

const entry = new URL('./jobs.js', import.meta.url)
const numbers = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]

async function fibs(url: string) {
  await using pool = new Pool<typeof import('./jobs.js')>({ entry, url, workers: numbers.length })
  await pool.ready() // all ten are there
  return { url, jobs: await pool.map('fib', numbers) }
}

/** All over which a pool can have workers: those of `mem:` would be in this thread. */
async function everyUrl(): Promise<string[]> {
  const schemes = await peerSchemes((error) => console.error(error.message))
  return schemes.filter((scheme) => scheme !== 'mem').map((scheme) => `${scheme}:`)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  })
  if (values.help) return console.log(HELP)
  const rows = []
  for (const url of positionals.length > 0 ? positionals : await everyUrl()) {
    const row = await fibs(url)
    rows.push(row)
    if (values.json) continue
    for (const { n, value, pid } of row.jobs) console.log(`${url} ${pid} fib(${n}) = ${value}`)
  }
  if (values.json) console.log(JSON.stringify({ rows }))
}

try {
  await main()
} catch (error) {
  console.error(`pool-fib: ${error instanceof Error ? error.message : error}`)
  process.exitCode = isUsage(error) ? 2 : 1
}

function isUsage(error: unknown): boolean {
  if (StraitError.is(error, 'ADDRESS_INVALID') || StraitError.is(error, 'NOT_SUPPORTED')) return true
  return (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true
}
