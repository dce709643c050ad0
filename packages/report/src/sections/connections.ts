import type { ConnectionRow, Results } from '@strait/bench'
import { duration, durationTick, integer, orDash } from '../format.js'
import { markedName, ranked } from '../lanes.js'
import type { Section } from '../section.js'
import { type Column, table } from '../table.js'
import { dotChart, dotsOf, signsOf } from './comparisons.js'

const FIGURES = [
  { series: 'connect, until the channel is open', of: ({ connectNs }: ConnectionRow) => connectNs },
  { series: 'connect, until the first answer', of: ({ firstMessageNs }: ConnectionRow) => firstMessageNs },
  { series: 'start of a peer, until its first answer', of: ({ spawnNs }: ConnectionRow) => spawnNs },
]

export function connections({ connections }: Results): Section | undefined {
  const lowest = (row: ConnectionRow) =>
    Math.min(...FIGURES.map(({ of }) => of(row)?.p50 ?? Number.MAX_VALUE))
  const rows = ranked(connections, lowest)
  const dots = dotsOf(
    rows,
    FIGURES.map(({ series, of }) => ({ series, of: (row: ConnectionRow) => of(row)?.p50 ?? null })),
  )
  if (dots.length === 0) return undefined
  const series = FIGURES.map(({ series }) => series).filter((name) =>
    dots.some(({ series }) => series === name),
  )
  const label = 'What it takes to begin, p50'
  return {
    id: 'connections',
    title: 'How long until it works?',
    text:
      'The medians of opening a channel where somebody listens already, of that and a first question with its answer, and of ' +
      'starting a whole new process. A program that connects once need not care.',
    legend: signsOf(series),
    charts: [dotChart(dots, series, { type: 'log', show: durationTick }, { label })],
    table: table(label, rows, { head: 'Lane', cell: markedName }, [
      ...FIGURES.flatMap(({ series, of }): Column<ConnectionRow>[] => [
        { head: `${series}: p50`, cell: (row) => orDash(of(row)?.p50, duration) },
        { head: 'p99', cell: (row) => orDash(of(row)?.p99, duration) },
      ]),
      { head: 'times', cell: ({ rounds }) => integer(rounds) },
    ]),
  }
}
