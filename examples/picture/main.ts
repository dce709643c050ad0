import { accessSync, constants, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SharedMemory } from '@strait/posix'
import { PNG } from 'pngjs'
import { StraitError } from 'strait'
import { type Canvas, canvasIn, sizeOf } from './canvas.js'
import { type Report, work } from './crew.js'
import { paint } from './scene.js'

const HELP = `usage: node examples/dist/picture/main.js [options] [folder]

Paints a picture in shared memory, has processes work on it in place, and writes before.png and after.png into the
folder; by default a new one for temporary files.

  --url URL      what the messages to the workers go through (pipe:)
  --workers N    how many there are (4)
  --size WxH     of the picture (2048x1536)
  --kill N       kills worker N in the middle of its work
  --help

Exit codes:
  0  it worked
  1  the work failed: a worker died, the results differ, a picture could not be written
  2  usage: an unknown option, no such folder, or something that this machine does not have`

class UsageError extends Error {}

try {
  await main()
} catch (error) {
  console.error(`picture: ${error instanceof Error ? error.message : error}`)
  process.exitCode = isUsage(error) ? 2 : 1
}

async function main(): Promise<void> {
  const { help, url, workers, kill, width, height, folder } = readOptions()
  if (help) return console.log(HELP)

  // Without a name there is nothing to remove, whoever of us dies and whenever.
  using memory = SharedMemory.anonymous(sizeOf(width, height), { seals: ['shrink', 'grow'] })
  const canvas = canvasIn(memory, width, height)
  paint(canvas)
  const before = canvas.picture.slice()
  console.log(`${width} × ${height}: a picture of ${mebibytes(before.byteLength)} in shared memory`)

  const many = await work(memory, width, height, { url, size: workers, kill })
  const after = canvas.picture.slice()
  canvas.picture.set(before)
  const one = await work(memory, width, height, { url, size: 1 })
  if (canvas.picture.some((value, index) => value !== after[index])) {
    throw new Error('one worker has made another picture')
  }

  const pids = new Set(many.pids)
  console.log(`workers: ${workers}, in processes ${[...pids].join(' ')}; this is ${process.pid}`)
  console.log(`${url} carried ${many.bytes} bytes of messages`)
  console.log(
    `${seconds(many)} with ${workers}, ${seconds(one)} with one, on ${availableParallelism()} cores`,
  )
  console.log('one worker has made the same picture, byte for byte')

  const into = folder ?? mkdtempSync(join(tmpdir(), 'strait-picture-'))
  save(join(into, 'before.png'), before, canvas)
  save(join(into, 'after.png'), after, canvas)
  console.log(`before.png and after.png are in ${into}`)
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: 'pipe:' },
      workers: { type: 'string', default: '4' },
      size: { type: 'string', default: '2048x1536' },
      kill: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [folder, surplus] = positionals
  if (surplus !== undefined) throw new UsageError(`one folder is enough, and '${surplus}' is a second one`)
  if (folder !== undefined) checkFolder(folder)
  const size = /^(\d+)x(\d+)$/.exec(values.size)
  if (size === null) throw new UsageError(`--size: '${values.size}' is not of the form 2048x1536`)
  const workers = integer('--workers', values.workers, 1, 64)
  return {
    help: values.help,
    url: values.url,
    workers,
    kill: values.kill === undefined ? undefined : integer('--kill', values.kill, 1, workers),
    width: integer('--size', size[1], 64, 8192),
    height: integer('--size', size[2], 64, 8192),
    folder,
  }
}

function integer(option: string, text: string | undefined, least: number, most: number): number {
  const value = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`${option}: '${text ?? ''}' is not a number from ${least} to ${most}`)
}

function checkFolder(folder: string): void {
  try {
    if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is not a folder`)
    accessSync(folder, constants.W_OK)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`the pictures cannot go there: ${(error as Error).message}`)
  }
}

function save(path: string, picture: Uint8ClampedArray, { width, height }: Canvas): void {
  const image = new PNG({ width, height })
  image.data.set(picture)
  writeFileSync(path, PNG.sync.write(image, { colorType: 2 }))
}

function isUsage(error: unknown): boolean {
  if (StraitError.is(error, 'ADDRESS_INVALID') || StraitError.is(error, 'NOT_SUPPORTED')) return true
  const { code } = error as NodeJS.ErrnoException
  return error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS') === true
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

function seconds({ milliseconds }: Report): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}
