import type { ContendedRow, LockReport, LockRow, UncontendedRow } from '@strait/bench'
import { duration, integer, rate } from '../format.js'
import { type Column, table } from '../table.js'
import { paint, width } from '../terminal.js'

/** What `strait bench --locks` prints for people. */
export function locksPage({ machine, locks }: Pick<LockReport, 'machine' | 'locks'>): string {
  const alone = locks.filter((row) => row.kind === 'uncontended')
  const contended = locks.filter((row) => row.kind === 'contended')
  const counts = [...new Set(contended.map(({ sides }) => sides))]
  return [
    '',
    paint.bold('Nobody else wants the lock: lock and release'),
    '',
    aloneTable(alone),
    ...counts.flatMap((count) => {
      const rows = contended.filter(({ sides }) => sides === count)
      return [
        '',
        paint.bold(`${integer(count)} want it all the time, ${where(rows)}`),
        '',
        contendedTable(rows),
      ]
    }),
    '',
    paint.dim(
      [
        'A section adds 1 to a number in shared memory; all totals were exact. × C: to pthread_mutex, robust and',
        'process-shared, in turns with it: of time above (bar for tryLock: 3.00 at most), of sections per second below',
        '(bar for two processes: 0.50 at least). Longest wait: the longest time in which a side did not get the lock.',
        'CPU: of all sides, for a section. Spread: how far repeats lie apart.',
        [machine.cpu, `${machine.cores} cores`, machine.kernel].join(' · '),
        ['Node', machine.node, machine.commit].join(' ').trimEnd(),
      ].join('\n'),
    ),
    '',
  ].join('\n')
}

const PLACEMENTS = {
  'different-cores': 'two on different cores',
  'same-core': 'on one core',
  free: 'on whichever cores the kernel chooses',
}

const where = ([row]: readonly ContendedRow[]) => PLACEMENTS[row!.placement]

const NAME: Column<LockRow> = {
  head: '',
  align: 'left',
  cell: ({ name }) => (name === 'Mutex' ? paint.bold(name) : name),
}

const MODE: Column<LockRow> = { head: '', align: 'left', cell: ({ mode }) => mode }

const RATIO: Column<LockRow> = { head: '× C', cell: ({ ratioToFloor }) => ratioToFloor?.toFixed(2) ?? '–' }

const SPREAD: Column<LockRow> = {
  head: 'spread',
  cell: ({ spread }) => percent(spread),
  dispensable: 3,
}

function aloneTable(rows: readonly UncontendedRow[]): string {
  const columns: Column<UncontendedRow>[] = [
    NAME,
    MODE,
    { head: 'a pair', cell: ({ nsPerPair }) => duration(nsPerPair) },
    RATIO,
    SPREAD,
  ]
  return table(columns, rows, width())
}

function contendedTable(rows: readonly ContendedRow[]): string {
  const few = rows.every(({ sides }) => sides === 2)
  const columns: Column<ContendedRow>[] = [
    NAME,
    MODE,
    { head: '', align: 'left', cell: ({ by }) => by },
    { head: 'sections', cell: ({ sectionsPerSecond }) => rate(sectionsPerSecond) },
    RATIO,
    { head: few ? 'each' : 'least, median, most', cell: ({ shares }) => sharesOf(shares) },
    { head: 'longest wait', cell: ({ longestWaitMs }) => duration(longestWaitMs * 1e6) },
    {
      head: 'CPU',
      cell: ({ cpuPerSectionNs }) => (cpuPerSectionNs === null ? '–' : duration(cpuPerSectionNs)),
      dispensable: 2,
    },
    SPREAD,
  ]
  return table(columns, rows, width())
}

/** Of two each has its own; of more the least, the median and the most are shown. */
function sharesOf(shares: readonly number[]): string {
  const sorted = [...shares].sort((a, b) => a - b)
  const shown = shares.length === 2 ? shares : [sorted[0]!, sorted[shares.length >> 1]!, sorted.at(-1)!]
  return shown.map(percent).join(' ')
}

function percent(share: number): string {
  const value = 100 * share
  return `${value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)} %`
}
