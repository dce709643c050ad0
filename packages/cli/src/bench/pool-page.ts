import type { PoolReport, PoolRow, Work } from '@strait/bench'
import { duration, integer } from '../format.js'
import { type Column, table } from '../table.js'
import { paint, width } from '../terminal.js'

const HEADINGS: Record<Work, string> = {
  one: 'A job that adds two numbers, one at a time',
  batch: 'Many such jobs at once',
  fib: 'Jobs that compute',
  buffer: 'Bytes there and back, one at a time',
}

/** What `strait bench --pool` prints for people. */
export function poolPage({ machine, pool }: Pick<PoolReport, 'machine' | 'pool'>): string {
  const works = [...new Set(pool.map(({ work }) => work))]
  return [
    ...works.flatMap((work) => {
      const rows = pool.filter((row) => row.work === work)
      return ['', paint.bold(HEADINGS[work]), '', table(columnsOf(work), rows, width())]
    }),
    '',
    ...barsOf(pool),
    '',
    paint.dim(
      [
        'One at a time: from call to result; at once: from the first call to the last result.',
        '× piscina: of time, to piscina with as many workers in the same run (of bytes: moved, not copied).',
        'Of the cores: speed to that of one core times as many as the workers may use.',
        'CPU: of the process and all its workers, for a job. Wait: how an end of shm: waits. Spread: how far repeats lie apart.',
        [machine.cpu, `${machine.cores} cores`, machine.kernel].join(' · '),
        ['Node', machine.node, machine.commit].join(' ').trimEnd(),
      ].join('\n'),
    ),
    '',
  ].join('\n')
}

/** One line for each row that has one. */
function barsOf(pool: readonly PoolRow[]): string[] {
  return pool.flatMap(({ work, mode, workers, bar, ratioToPiscina: ratio }) => {
    if (bar === null || ratio === null) return []
    const said = `${HEADINGS[work]}, ${mode}, workers: ${integer(workers)}: ${ratio.toFixed(3)} × piscina, at most ${bar.toFixed(3)}`
    return [ratio <= bar ? `met: ${said}` : paint.bold(`NOT MET: ${said}`)]
  })
}

function columnsOf(work: Work): Column<PoolRow>[] {
  const columns: Column<PoolRow>[] = [
    { head: '', align: 'left', cell: ({ name }) => (name === 'Pool' ? paint.bold(name) : name) },
    { head: '', align: 'left', cell: ({ mode }) => mode },
    { head: 'workers', cell: ({ workers }) => integer(workers) },
  ]
  if (work === 'buffer') columns.push({ head: 'bytes', cell: ({ bytes }) => integer(bytes!) })
  columns.push({ head: work === 'one' ? 'p50' : 'a job', cell: ({ nsPerJob }) => duration(nsPerJob) })
  if (work === 'one') columns.push({ head: 'p99', cell: ({ p99Ns }) => duration(p99Ns!), dispensable: 1 })
  columns.push({ head: '× piscina', cell: ({ ratioToPiscina }) => ratioToPiscina?.toFixed(3) ?? '–' })
  if (work === 'fib') {
    columns.push(
      { head: 'jobs/s', cell: ({ nsPerJob }) => integer(Math.round(1e9 / nsPerJob)) },
      { head: 'of the cores', cell: ({ efficiency }) => `${Math.round(100 * efficiency!)} %` },
    )
  }
  columns.push(
    { head: 'CPU', cell: ({ cpuPerJobNs }) => (cpuPerJobNs === null ? '–' : duration(cpuPerJobNs)) },
    { head: 'wait', align: 'left', cell: ({ wait }) => wait ?? '', dispensable: 2 },
    { head: 'spread', cell: ({ spread }) => `${Math.round(100 * spread)} %`, dispensable: 3 },
  )
  return columns
}
