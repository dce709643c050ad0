import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Pool } from '@strait/pool'
import { StraitError } from 'strait'
import type { View } from './mandelbrot.js'
import { png } from './png.js'
import { halfBlocks } from './terminal.js'

const HELP = `node examples/dist/render/main.js [options] [FILE.png]

A part of the Mandelbrot set, whose rows are computed by the workers of a pool. Without a file it is shown in the terminal.

  --view X,Y,SPAN  the middle of what is seen, and how wide that is (-0.7459,0.1126,0.0094)
  --size WxH       of the picture (1200x800; in the terminal as large as that is)
  --steps N        after which a point that is still near counts as one of the set (2000)
  --url URL        how the rows come from the workers
  --workers N      how many there are; by default one for each processor
  --help`

class UsageError extends Error {}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      view: { type: 'string', default: '-0.7459,0.1126,0.0094' },
      size: { type: 'string' },
      steps: { type: 'string', default: '2000' },
      url: { type: 'string' },
      workers: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [file, surplus] = positionals
  if (surplus !== undefined) throw new UsageError(`one file is enough, and '${surplus}' is a second one`)
  const { columns = 80, rows = 25 } = process.stdout
  const size = values.size ?? (file === undefined ? `${columns}x${2 * (rows - 1)}` : '1200x800')
  const [width, height] = numbers('--size', size, /^(\d+)x(\d+)$/, 1, 16_384)
  const [x, y, span] = numbers('--view', values.view, /^([-\d.e]+),([-\d.e]+),([\d.e-]+)$/, -4, 4)
  const [steps] = numbers('--steps', values.steps, /^(\d+)$/, 1, 1e9)
  const workers = values.workers === undefined ? undefined : Number(values.workers)
  const view: View = { x: x!, y: y!, span: span!, width: width!, height: height!, steps: steps! }
  return { help: values.help, url: values.url, workers, view, file }
}

function numbers(option: string, text: string, form: RegExp, least: number, most: number): number[] {
  const found = form.exec(text)?.slice(1).map(Number)
  if (found?.every((value) => value >= least && value <= most)) return found
  throw new UsageError(`${option}: '${text}' cannot be read, or is not between ${least} and ${most}`)
}

async function main(): Promise<void> {
  const { help, url, workers, view, file } = readOptions()
  if (help) return console.log(HELP)
  await using pool = new Pool<typeof import('./mandelbrot.js')>({
    entry: new URL('./mandelbrot.js', import.meta.url),
    url,
    workers,
    initialize: { name: 'lookAt', args: [view] },
  })
  const onProgress = file !== undefined && process.stderr.isTTY ? showProgress : undefined
  const indices = Array.from({ length: view.height }, (_, index) => index)
  const rows: Uint8Array[] = []
  for await (const row of pool.imap('row', indices, { onProgress })) {
    rows.push(row)
    // In the terminal each line appears as soon as it and all above it are there.
    if (file === undefined && rows.length % 2 === 0) process.stdout.write(halfBlocks(rows.at(-2)!, row))
  }
  if (file !== undefined) writeFileSync(file, png(view.width, rows))
}

function showProgress(done: number, total = done): void {
  const width = 40
  const bar = '█'.repeat(Math.floor((done / total) * width)).padEnd(width, '░')
  process.stderr.write(`\r${bar} ${Math.floor((100 * done) / total)} %${done === total ? '\n' : ''}`)
}

try {
  await main()
} catch (error) {
  console.error(`render: ${error instanceof Error ? error.message : error}`)
  process.exitCode = isUsage(error) ? 2 : 1
}

function isUsage(error: unknown): boolean {
  if (StraitError.is(error, 'ADDRESS_INVALID') || StraitError.is(error, 'NOT_SUPPORTED')) return true
  if (error instanceof UsageError || error instanceof RangeError) return true
  return (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true
}
