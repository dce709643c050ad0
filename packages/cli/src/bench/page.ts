import type { EndTail, Machine, Mode, Row, Tail } from '@strait/bench'
import { byteRate, duration, integer, rate } from '../format.js'
import { type Column, table } from '../table.js'
import { paint, self, width } from '../terminal.js'

export interface PageOptions {
  /** There are twins beside the transports. */
  readonly peers?: boolean | undefined
  /** Show what the slowest rounds are made of. */
  readonly tail?: boolean | undefined
}

const PLACEMENTS = {
  'different-cores': 'the two ends on different cores',
  'same-core': 'both ends on one core',
  free: 'on whichever cores the kernel chooses',
}

const MODES: Readonly<Record<Mode, string>> = {
  hot: 'hot',
  paced: 'paced: the asker computes for 100 µs before each question',
  parked: 'parked: 10 ms of sleep before each question',
  sync: 'sync: both ends block',
  leased: 'leased: written and read in place',
}

/** What `strait bench` prints for people. */
export function page(machine: Machine, rows: readonly Row[], options: PageOptions): string {
  const { peers, tail } = options
  const floors = rows.some(({ ratioToFloor }) => ratioToFloor !== null)
  const copies = rows.some(({ shareOfCopy }) => shareOfCopy !== null)
  return [
    ...blocks(rows).flatMap((shown) => {
      const { payloadBytes, mode, placement } = shown[0]!
      return [
        '',
        paint.bold(`${integer(payloadBytes)} bytes, ${MODES[mode]}, ${PLACEMENTS[placement]}`),
        '',
        benchTable(shown),
        ...(tail ? ['', tailTable(shown)] : []),
      ]
    }),
    '',
    paint.dim(
      [
        'Round trip: there and back between two processes, one at a time (mem: in one).',
        ...(rows.some(({ noisy }) => noisy)
          ? ['≈: its repeats, or those of what ran with it, lie more than 10 % apart; do not quote it.']
          : []),
        'CPU: what both use for it. Switches: how often one of their threads lost or gave up its core.',
        'One way: as fast as it goes, until all was read. Both ways: each way, while both ends send.',
        ...(peers
          ? ['Ratio: p50 to that of the twin below, without Strait, measured in turns with it.']
          : []),
        ...(floors ? ['× floor: p50 to that of blocking C over the same mechanism, in turns with it.'] : []),
        ...(copies
          ? ['of memcpy: one way to what memcpy(3) copies of such messages, in turns with it.']
          : []),
        ...(tail
          ? [
              'Slowest: the slowest thousandth of the rounds; in how many of them garbage was collected (gc); how many',
              'waiting for a core and parking account for at most, and what is left at least. Then here + in the peer:',
              'collections and the longest, preemptions, the wait for a core, parks.',
            ]
          : []),
        [machine.cpu, `${machine.cores} cores`, machine.kernel].join(' · '),
        ['Node', machine.node, machine.commit].join(' ').trimEnd(),
      ].join('\n'),
    ),
    ...(peers ? [] : ['', `Next:\n  ${paint.cyan(`${self} bench --peers`)}   the same beside bare Node`]),
    '',
  ].join('\n')
}

/** Rows of one size and mode, which can be compared. */
function blocks(rows: readonly Row[]): Row[][] {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const key = `${row.payloadBytes} ${row.mode}`
    const block = found.get(key)
    if (block === undefined) found.set(key, [row])
    else block.push(row)
  }
  return [...found.values()]
}

const NAME: Column<Row> = {
  head: '',
  align: 'left',
  cell: ({ url, peer }) => (peer ? paint.dim(`  ${peer}`) : paint.bold(url)),
}

function benchTable(rows: readonly Row[]): string {
  const columns: Column<Row>[] = [NAME]
  if (rows.some(({ waitStrategy }) => waitStrategy !== null)) {
    columns.push({
      head: 'waits by',
      align: 'left',
      cell: ({ waitStrategy }) => waitStrategy ?? '',
      dispensable: 7,
    })
  }
  columns.push(
    { head: 'p50', cell: ({ rttNs, noisy }) => `${noisy ? '≈ ' : ''}${duration(rttNs.p50)}` },
    { head: 'p90', cell: ({ rttNs }) => duration(rttNs.p90), dispensable: 4 },
    { head: 'p99', cell: ({ rttNs }) => duration(rttNs.p99), dispensable: 1 },
    { head: 'p99.9', cell: ({ rttNs }) => duration(rttNs.p999), dispensable: 2 },
    { head: 'max', cell: ({ rttNs }) => duration(rttNs.max) },
    { head: 'mean', cell: ({ rttNs }) => duration(rttNs.mean), dispensable: 5 },
    { head: 'CPU', cell: ({ cpuPerRoundNs }) => orDash(cpuPerRoundNs, duration), dispensable: 3 },
    { head: 'switches', cell: ({ switchesPerRound }) => orDash(switchesPerRound, decimal), dispensable: 8 },
  )
  if (rows.some(({ messagesPerSecond }) => messagesPerSecond !== null)) {
    columns.push(
      { head: 'one way', cell: ({ messagesPerSecond }) => orDash(messagesPerSecond, rate) },
      { head: '', cell: ({ bytesPerSecond }) => orDash(bytesPerSecond, byteRate), dispensable: 6 },
    )
  }
  if (rows.some(({ bothWaysPerSecond }) => bothWaysPerSecond !== null)) {
    columns.push({
      head: 'both ways',
      cell: ({ bothWaysPerSecond }) => orDash(bothWaysPerSecond, rate),
      dispensable: 9,
    })
  }
  if (rows.some(({ peer }) => peer !== undefined)) {
    columns.push({ head: 'ratio', cell: (row) => ratioToTwin(row, rows) })
  }
  if (rows.some(({ ratioToFloor }) => ratioToFloor !== null)) {
    columns.push({ head: '× floor', cell: ({ ratioToFloor }) => ratioToFloor?.toFixed(2) ?? '' })
  }
  if (rows.some(({ shareOfCopy }) => shareOfCopy !== null)) {
    columns.push({
      head: 'of memcpy',
      cell: ({ shareOfCopy }) => (shareOfCopy === null ? '' : `${(100 * shareOfCopy).toFixed(0)} %`),
    })
  }
  return table(columns, rows, width())
}

/** Ours to the twin's; empty in a twin's row and where there is no twin. */
function ratioToTwin(row: Row, rows: readonly Row[]): string {
  const twin = rows.find(({ url, peer }) => url === row.url && peer !== undefined)
  if (row.peer !== undefined || twin === undefined) return ''
  return `${(row.rttNs.p50 / twin.rttNs.p50).toFixed(2)} ×`
}

function tailTable(rows: readonly Row[]): string {
  const columns: Column<Row>[] = [
    NAME,
    { head: 'slowest', cell: ({ tail }) => integer(tail.rounds) },
    { head: 'gc', cell: ({ tail }) => integer(tail.collecting) },
    { head: 'waiting', cell: ({ tail }) => `≤ ${integer(tail.waiting)}` },
    { head: 'parked', cell: ({ tail }) => `≤ ${integer(tail.parked)}` },
    { head: 'left', cell: ({ tail }) => `≥ ${integer(tail.unexplained)}` },
    { head: 'collections', cell: bothEnds((end) => end.collections?.count, integer), dispensable: 3 },
    { head: 'longest', cell: bothEnds((end) => end.collections?.longestNs, duration), dispensable: 2 },
    { head: 'preemptions', cell: bothEnds((end) => end.preemptions, integer), dispensable: 4 },
    { head: 'waited', cell: bothEnds((end) => end.waitedNs, duration), dispensable: 5 },
    { head: 'parks', cell: bothEnds((end) => end.parks, integer), dispensable: 1 },
  ]
  return table(columns, rows, width())
}

/** Here + in the peer; alone where the peer is in this thread. */
function bothEnds(of: (end: EndTail) => number | null | undefined, format: (value: number) => string) {
  return ({ tail: { here, peer } }: { readonly tail: Tail }) =>
    [here, peer].flatMap((end) => (end === null ? [] : [orDash(of(end), format)])).join(' + ')
}

const decimal = (value: number) => value.toFixed(1)

function orDash(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value)
}
