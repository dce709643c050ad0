import { writeFile } from 'node:fs/promises'
import {
  bench,
  benchLocks,
  benchPool,
  benchReference,
  compare,
  type Mode,
  modes,
  type Placement,
  placements,
  type Results,
} from '@strait/bench'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_MAX_MESSAGE_SIZE } from 'strait'
import { collect, peerAddresses } from '../address.js'
import { comparisonPage } from '../bench/comparison-page.js'
import { writeHtml } from '../bench/html.js'
import { locksPage } from '../bench/locks-page.js'
import { othersPage } from '../bench/others-page.js'
import { page } from '../bench/page.js'
import { poolPage } from '../bench/pool-page.js'
import { checkWritable, readResults } from '../bench/results-file.js'
import { EXIT_CODES } from '../exit.js'
import { integer } from '../format.js'
import { complain, print, printJson, status } from '../terminal.js'

interface BenchOptions {
  url?: readonly string[]
  payload?: readonly number[]
  mode: readonly Mode[]
  placement: Placement
  floor?: boolean
  peers?: boolean
  tail?: boolean
  connections?: boolean
  fanIn?: number
  reference?: boolean
  against?: string
  output?: string
  locks?: boolean
  pool?: boolean
  crowd: number
  workers?: readonly number[]
  quick?: boolean
  json?: boolean
  html?: string
}

/** What neither locks nor pools have. */
const TRANSPORTS_ONLY = ['connections', 'fanIn', 'reference', 'against', 'output']

/** Each is a process. */
const MAX_WORKERS = 256

/** More do not fit into a region of locks. */
const MAX_CROWD = 250

export function addBench(program: Command): void {
  program
    .command('bench')
    .description(
      'Round trip and one-way throughput of every transport, between two processes; with --locks or --pool, what locks or jobs cost',
    )
    .option('--url <url...>', 'transports, such as unix: (default: all)', collect)
    .option('--payload <bytes...>', 'sizes of a message, from 0 (default: 64)', sizes)
    .addOption(
      new Option(
        '--mode <mode...>',
        'hot: question upon answer; paced: the asker computes for 100 µs before each question; parked: both ends ' +
          'sleep before each question; sync: both ends block their threads, leased: messages are written and read in place, both where the transport can',
      )
        .choices(modes)
        .default(['hot'], 'hot'),
    )
    .addOption(
      new Option('--placement <where>', 'where the two ends run')
        .choices(placements)
        .default('different-cores'),
    )
    .option(
      '--floor',
      'measure blocking C over the same mechanism beside each transport that has it, and memcpy beside leased rows',
    )
    .option(
      '--peers',
      'measure what does the same beside each transport: bare Node, libraries, and programs in C, C++ and Python, ' +
        'where they are installed; in mode sync the ring alone beside shm:',
    )
    .option('--connections', 'measure also what connecting and starting a peer costs')
    .addOption(
      new Option('--fan-in <peers>', `measure also so many peers at once, 2 to ${MAX_CROWD}`).argParser(
        peersOf,
      ),
    )
    .addOption(
      new Option(
        '--reference',
        'the whole table in about a quarter of an hour: all modes, sizes, placements and wait strategies, with floors and peers',
      ).conflicts(['url', 'payload', 'mode', 'placement', 'floor', 'peers', 'connections', 'fanIn']),
    )
    .option('--against <results.json>', 'say what has changed since a run that --output or --json has kept')
    .option('--output <results.json>', 'write the results to a file, as --json prints them')
    .option('--tail', 'show what the slowest rounds are made of')
    .addOption(
      new Option(
        '--locks',
        'measure locks instead: alone, wanted by two and by a crowd, beside those of C, Python, Atomics and async-mutex',
      ).conflicts(['url', 'payload', 'mode', 'floor', 'peers', 'tail', ...TRANSPORTS_ONLY]),
    )
    .addOption(
      new Option('--crowd <processes>', `how many are a crowd, 3 to ${MAX_CROWD}; implies --locks`)
        .argParser(crowdOf)
        .default(8)
        .implies({ locks: true }),
    )
    .addOption(
      new Option(
        '--pool',
        'measure jobs in a pool instead, over each --url, beside piscina, tinypool, workerpool and Python',
      ).conflicts(['payload', 'mode', 'floor', 'peers', 'tail', 'locks', 'crowd', ...TRANSPORTS_ONLY]),
    )
    .addOption(
      new Option(
        '--workers <count...>',
        `how many workers pools have, 1 to ${MAX_WORKERS} (default: 1, and one for each core); implies --pool`,
      )
        .argParser(workersOf)
        .implies({ pool: true }),
    )
    .option('--quick', 'a fraction of the time: to see that it works, not to quote')
    .option('--json', 'print JSON')
    .addOption(
      new Option('--html <file>', 'write a page with charts, one file that needs no network').conflicts([
        'locks',
        'pool',
      ]),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ strait bench --peers
  $ strait bench --url unix: tcp: --payload 64 65536
  $ strait bench --floor --url pipe: fifo: seqpacket: unix:
  $ strait bench --mode hot parked sync --url pipe: fifo: --tail
  $ strait bench --mode leased --url 'shm:?ring=4194304' --payload 1048576 --floor
  $ strait bench --peers --placement same-core
  $ strait bench --reference --output results.json
  $ strait bench --url shm: unix: --against results.json
  $ strait bench --locks
  $ strait bench --locks --crowd 200 --placement same-core
  $ strait bench --pool
  $ strait bench --pool --workers 4 --url shm: 'shm:?wait=park'
  $ strait bench --peers --floor --html report.html
  $ strait bench --quick --json | jq '.rows[] | { url, p50: .rttNs.p50 }'
${EXIT_CODES}`,
    )
    .action(run)
}

function sizes(text: string, others: readonly number[] = []): readonly number[] {
  const size = Number(text)
  if (/^\d+$/.test(text) && size <= DEFAULT_MAX_MESSAGE_SIZE) return [...others, size]
  throw new InvalidArgumentError(`Must be a whole number of bytes from 0 to ${DEFAULT_MAX_MESSAGE_SIZE}.`)
}

function crowdOf(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 3 && count <= MAX_CROWD) return count
  throw new InvalidArgumentError(`Must be a whole number of processes from 3 to ${MAX_CROWD}.`)
}

function peersOf(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 2 && count <= MAX_CROWD) return count
  throw new InvalidArgumentError(`Must be a whole number of peers from 2 to ${MAX_CROWD}.`)
}

function workersOf(text: string, others: readonly number[] = []): readonly number[] {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_WORKERS) return [...others, count]
  throw new InvalidArgumentError(`Must be a whole number of workers from 1 to ${MAX_WORKERS}.`)
}

async function run(options: BenchOptions): Promise<void> {
  if (options.pool) await runPool(options)
  else if (options.locks) await runLocks(options)
  else await runTransports(options)
}

async function runTransports(options: BenchOptions) {
  const { json, html, output, against } = options
  // Before anything is measured, for it may not be there.
  const before = against === undefined ? undefined : await readResults(against)
  for (const file of [output, html]) if (file !== undefined) await checkWritable(file)
  const measured = options.reference ? await runReference(options) : await runChosen(options)
  const results: Results = { ...measured, command: ['strait', ...process.argv.slice(2)] }
  status('')
  const comparison = before && compare(before, results)
  if (output !== undefined) await writeFile(output, `${JSON.stringify(results)}\n`)
  if (json) printJson(comparison === undefined ? results : { ...results, comparison })
  else {
    const peers = options.reference || options.peers
    print([page(results.machine, results.rows, { ...options, peers }), othersPage(results)].join('\n'))
    if (comparison !== undefined) print(comparisonPage(comparison))
  }
  if (html !== undefined) await writeHtml(html, results)
  if (results.floorMissing !== undefined) complain(`no floors: ${results.floorMissing}`)
  for (const what of results.peersMissing) complain(`not measured: ${what}`)
  complainOfParts(results.parts)
}

async function runChosen({
  url,
  payload: payloads = [64],
  mode,
  ...options
}: BenchOptions): Promise<Results> {
  const known = await peerAddresses(url)
  return bench({
    // All, and not all by name: of what is named, each must have each mode.
    urls: url === undefined ? undefined : known,
    payloads,
    modes: mode,
    ...options,
    onProgress: ({ payloadBytes, step, steps }) =>
      status(`${integer(payloadBytes)} bytes: repeat ${step} of ${steps} …`),
  })
}

function runReference({ quick }: BenchOptions): Promise<Results> {
  return benchReference({
    quick,
    onProgress: ({ section, sections, payloadBytes, step, steps }) =>
      status(`part ${section} of ${sections}, ${integer(payloadBytes)} bytes: repeat ${step} of ${steps} …`),
  })
}

const SITUATIONS = { alone: 'alone', two: 'wanted by two', crowd: 'in a crowd' }

async function runLocks({ placement, crowd, quick, json }: BenchOptions) {
  const report = await benchLocks({
    placement,
    crowd,
    quick,
    onProgress: ({ situation, repeat, repeats }) =>
      status(`locks, ${SITUATIONS[situation]}: repeat ${repeat} of ${repeats} …`),
  })
  status('')
  if (json) printJson({ machine: report.machine, locks: report.locks })
  else print(locksPage(report))
  for (const what of report.missing) complain(`not measured: ${what}`)
  complainOf(report.notes)
}

async function runPool({ url: urls, workers, quick, json }: BenchOptions) {
  const report = await benchPool({
    urls,
    workers,
    quick,
    onProgress: ({ workers, repeat, repeats }) =>
      status(`pools of ${workers}: repeat ${repeat} of ${repeats} …`),
  })
  status('')
  if (json) printJson({ machine: report.machine, pool: report.pool })
  else print(poolPage(report))
  for (const what of report.missing) complain(`not measured: ${what}`)
  complainOf(report.notes)
}

/** Rows of those that are not to be quoted say so of themselves. */
function complainOfParts(parts: Results['parts']) {
  const noisy = parts.filter(({ notes }) => notes.length > 0)
  const said = noisy.map(({ what, notes }) => `\n  ${what}: ${notes.join('; ')}`).join('')
  const which =
    noisy.length === parts.length ? 'this run' : `${noisy.length} of ${parts.length} parts of this run`
  if (noisy.length > 0) complain(`do not quote ${which}:${said}`)
}

function complainOf(notes: readonly string[]) {
  if (notes.length > 0) complain(`do not quote this run: ${notes.join('; ')}`)
}
