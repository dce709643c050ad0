import { bench, type Machine, modes, type Placement, placements, type Row } from '@strait/bench'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_MAX_MESSAGE_SIZE } from 'strait'
import { collect, peerAddresses } from '../address.js'
import { EXIT_CODES } from '../exit.js'
import { byteRate, duration, integer, rate } from '../format.js'
import { type Column, table } from '../table.js'
import { complain, paint, print, printJson, self, status, width } from '../terminal.js'

interface BenchOptions {
  url?: readonly string[]
  payload?: readonly number[]
  mode: (typeof modes)[number]
  placement: Placement
  floor?: boolean
  peers?: boolean
  quick?: boolean
  json?: boolean
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('Round trip and one-way throughput of every transport, between two processes')
    .option('--url <url...>', 'transports, such as unix: (default: all)', collect)
    .option('--payload <bytes...>', 'sizes of a message (default: 64)', sizes)
    .addOption(new Option('--mode <mode>', 'how the rounds follow each other').choices(modes).default('hot'))
    .addOption(
      new Option('--placement <where>', 'where the two ends run')
        .choices(placements)
        .default('different-cores'),
    )
    .option('--floor', 'measure blocking C over the same mechanism beside each transport that has it')
    .option('--peers', 'measure the bare-Node twin of each transport beside it')
    .option('--quick', 'a fraction of the time: to see that it works, not to quote')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ strait bench --peers
  $ strait bench --url unix: tcp: --payload 64 65536
  $ strait bench --floor --url pipe: fifo: seqpacket: unix:
  $ strait bench --peers --placement same-core
  $ strait bench --quick --json | jq '.rows[] | { url, p50: .rttNs.p50 }'
${EXIT_CODES}`,
    )
    .action(run)
}

function sizes(text: string, others: readonly number[] = []): readonly number[] {
  const size = Number(text)
  if (/^\d+$/.test(text) && size >= 1 && size <= DEFAULT_MAX_MESSAGE_SIZE) return [...others, size]
  throw new InvalidArgumentError(`Must be a whole number of bytes from 1 to ${DEFAULT_MAX_MESSAGE_SIZE}.`)
}

async function run({ url, payload: payloads = [64], json, ...options }: BenchOptions) {
  const report = await bench({
    urls: await peerAddresses(url),
    payloads,
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

const PLACEMENTS = {
  'different-cores': 'the two ends on different cores',
  'same-core': 'both ends on one core',
  free: 'on whichever cores the kernel chooses',
}

function page(machine: Machine, rows: readonly Row[], { peers }: { peers?: boolean }): string {
  const floors = rows.some(({ floorNs }) => floorNs !== null)
  const payloads = [...new Set(rows.map(({ payloadBytes }) => payloadBytes))]
  return [
    ...payloads.flatMap((size) => {
      const shown = rows.filter(({ payloadBytes }) => payloadBytes === size)
      return [
        '',
        paint.bold(`${integer(size)} bytes, hot, ${PLACEMENTS[shown[0]!.placement]}`),
        '',
        benchTable(shown),
      ]
    }),
    '',
    paint.dim(
      [
        'Round trip: there and back between two processes, one at a time (mem: in one).',
        'CPU: what both use for it. One way: as fast as it goes, until all was read.',
        ...(peers ? ['Ratio: p50 to that of the bare-Node twin below, measured in turns with it.'] : []),
        ...(floors ? ['× floor: p50 to that of blocking C over the same mechanism, in turns with it.'] : []),
        [machine.cpu, `${machine.cores} cores`, machine.kernel].join(' · '),
        ['Node', machine.node, machine.commit].join(' ').trimEnd(),
      ].join('\n'),
    ),
    ...(peers ? [] : ['', `Next:\n  ${paint.cyan(`${self} bench --peers`)}   the same beside bare Node`]),
    '',
  ].join('\n')
}

function benchTable(rows: readonly Row[]): string {
  const columns: Column<Row>[] = [
    { head: '', align: 'left', cell: ({ url, peer }) => (peer ? paint.dim(`  ${peer}`) : paint.bold(url)) },
    { head: 'p50', cell: ({ rttNs }) => duration(rttNs.p50) },
    { head: 'p90', cell: ({ rttNs }) => duration(rttNs.p90), dispensable: 3 },
    { head: 'p99', cell: ({ rttNs }) => duration(rttNs.p99) },
    { head: 'p99.9', cell: ({ rttNs }) => duration(rttNs.p999), dispensable: 1 },
    { head: 'max', cell: ({ rttNs }) => duration(rttNs.max) },
    { head: 'mean', cell: ({ rttNs }) => duration(rttNs.mean), dispensable: 4 },
    {
      head: 'CPU',
      cell: ({ cpuPerRoundNs }) => (cpuPerRoundNs === null ? '–' : duration(cpuPerRoundNs)),
      dispensable: 2,
    },
    { head: 'one way', cell: ({ messagesPerSecond }) => rate(messagesPerSecond) },
    { head: '', cell: ({ bytesPerSecond }) => byteRate(bytesPerSecond), dispensable: 5 },
  ]
  if (rows.some(({ peer }) => peer !== undefined)) {
    columns.push({ head: 'ratio', cell: (row) => ratioToTwin(row, rows) })
  }
  if (rows.some(({ ratioToFloor }) => ratioToFloor !== null)) {
    columns.push({ head: '× floor', cell: ({ ratioToFloor }) => ratioToFloor?.toFixed(2) ?? '' })
  }
  return table(columns, rows, width())
}

/** Ours to the twin's; empty in a twin's row and where there is no twin. */
function ratioToTwin(row: Row, rows: readonly Row[]): string {
  const twin = rows.find(({ url, peer }) => url === row.url && peer !== undefined)
  if (row.peer !== undefined || twin === undefined) return ''
  return `${(row.rttNs.p50 / twin.rttNs.p50).toFixed(2)} ×`
}
