import { bench, benchLocks, benchPool, type Mode, modes, type Placement, placements } from '@strait/bench'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_MAX_MESSAGE_SIZE } from 'strait'
import { collect, peerAddresses } from '../address.js'
import { writeHtml } from '../bench/html.js'
import { locksPage } from '../bench/locks-page.js'
import { page } from '../bench/page.js'
import { poolPage } from '../bench/pool-page.js'
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
  locks?: boolean
  pool?: boolean
  crowd: number
  workers?: readonly number[]
  quick?: boolean
  json?: boolean
  html?: string
}

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
    .option('--tail', 'show what the slowest rounds are made of')
    .addOption(
      new Option(
        '--locks',
        'measure locks instead: alone, wanted by two and by a crowd, beside those of C, Python, Atomics and async-mutex',
      ).conflicts(['url', 'payload', 'mode', 'floor', 'peers', 'tail']),
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
      ).conflicts(['payload', 'mode', 'floor', 'peers', 'tail', 'locks', 'crowd']),
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

async function runTransports({ url, payload: payloads = [64], mode, json, html, ...options }: BenchOptions) {
  const known = await peerAddresses(url)
  const report = await bench({
    // All, and not all by name: of what is named, each must have each mode.
    urls: url === undefined ? undefined : known,
    payloads,
    modes: mode,
    ...options,
    onProgress: ({ payloadBytes, step, steps }) =>
      status(`${integer(payloadBytes)} bytes: repeat ${step} of ${steps} …`),
  })
  status('')
  if (json) printJson(report)
  else print(page(report.machine, report.rows, options))
  if (html !== undefined) await writeHtml(html, report, ['strait', ...process.argv.slice(2)].join(' '))
  if (report.floorMissing !== undefined) complain(`no floors: ${report.floorMissing}`)
  for (const what of report.peersMissing) complain(`not measured: ${what}`)
  complainOf(report.notes)
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

function complainOf(notes: readonly string[]) {
  if (notes.length > 0) complain(`do not quote this run: ${notes.join('; ')}`)
}
