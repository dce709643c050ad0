import { bench, type Mode, modes, type Placement, placements } from '@strait/bench'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_MAX_MESSAGE_SIZE } from 'strait'
import { collect, peerAddresses } from '../address.js'
import { page } from '../bench/page.js'
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
  quick?: boolean
  json?: boolean
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('Round trip and one-way throughput of every transport, between two processes')
    .option('--url <url...>', 'transports, such as unix: (default: all)', collect)
    .option('--payload <bytes...>', 'sizes of a message, from 0 (default: 64)', sizes)
    .addOption(
      new Option(
        '--mode <mode...>',
        'hot: question upon answer; parked: both ends sleep before each question; sync: both ends block their ' +
          'threads, leased: messages are written and read in place, both where the transport can',
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
      'measure the bare-Node twin of each transport beside it; in mode sync the ring alone beside shm:',
    )
    .option('--tail', 'show what the slowest rounds are made of')
    .option('--quick', 'a fraction of the time: to see that it works, not to quote')
    .option('--json', 'print JSON')
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

async function run({ url, payload: payloads = [64], mode, json, ...options }: BenchOptions) {
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
  if (json) printJson({ machine: report.machine, rows: report.rows })
  else print(page(report.machine, report.rows, options))
  if (report.floorMissing !== undefined) complain(`no floors: ${report.floorMissing}`)
  if (report.notes.length === 0) return
  complain(`do not quote this run: ${report.notes.join('; ')}`)
}
