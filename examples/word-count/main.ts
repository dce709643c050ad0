import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from '@strait/pool'
import { StraitError } from 'strait'
import { pieces } from './pieces.js'

const HELP = `node examples/dist/word-count/main.js [options] [FILE …]

The words that stand most often in the files, counted by the workers of a pool. Without files: in Strait's own pages.

  --url URL      how the pieces of the text reach the workers
  --workers N    how many there are; by default one for each processor
  --top N        how many words are shown (10)
  --json         prints the results as one object
  --help`

const PIECE = 32_768
const docs = fileURLToPath(new URL('../../../docs', import.meta.url))

async function countAll(paths: readonly string[], url: string | undefined, workers: number | undefined) {
  const entry = new URL('./jobs.js', import.meta.url)
  await using pool = new Pool<typeof import('./jobs.js')>({ entry, url, workers })
  const total = new Map<string, number>()
  // Addition does not care for the order. The files are read only as fast as they are counted.
  for await (const counts of pool.imapUnordered('count', pieces(paths, PIECE))) {
    for (const [word, times] of counts) total.set(word, (total.get(word) ?? 0) + times)
  }
  return { total, pieces: pool.statistics.done }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      workers: { type: 'string' },
      top: { type: 'string', default: '10' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(HELP)
  const workers = values.workers === undefined ? undefined : Number(values.workers)
  const { total, pieces } = await countAll(
    positionals.length > 0 ? positionals : ownPages(),
    values.url,
    workers,
  )
  const words = [...total.values()].reduce((sum, times) => sum + times, 0)
  const top = [...total]
    .sort(([word, times], [other, otherTimes]) => otherTimes - times || (word < other ? -1 : 1))
    .slice(0, Number(values.top))
    .map(([word, times]) => ({ word, times }))
  if (values.json) return console.log(JSON.stringify({ words, different: total.size, pieces, top }))
  for (const { word, times } of top) console.log(`${String(times).padStart(7)} ${word}`)
  console.log(`${words} words, ${total.size} different ones, in ${pieces} pieces`)
}

function ownPages(): string[] {
  return (readdirSync(docs, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(docs, name))
}

try {
  await main()
} catch (error) {
  console.error(`word-count: ${error instanceof Error ? error.message : error}`)
  process.exitCode = isUsage(error) ? 2 : 1
}

function isUsage(error: unknown): boolean {
  if (StraitError.is(error, 'ADDRESS_INVALID') || StraitError.is(error, 'NOT_SUPPORTED')) return true
  return (
    error instanceof RangeError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true
  )
}
