import type { FanInRow, Measured, Results, Row } from '@strait/bench'
import { byteRate, integer, orDash, percent, rate, rateTick, ratio } from '../format.js'
import { html } from '../html.js'
import { mainSituation, markedName, ranked, rowsIn } from '../lanes.js'
import type { Section } from '../section.js'
import { table } from '../table.js'
import { dotChart, dotsOf, signsOf } from './comparisons.js'
import { describe } from './words.js'

const ONE_WAY = 'one way'
const BOTH_WAYS = 'both ways at once, each way'
const fanInOf = ({ peers }: FanInRow) => `${peers} peers ask one process, all together`

export function throughput(results: Results): Section | undefined {
  const situation = mainSituation(results.rows)
  const rows = ranked(
    rowsIn(results.rows, situation).filter((row) => row.messagesPerSecond ?? row.bothWaysPerSecond),
    ({ messagesPerSecond, bothWaysPerSecond }) => -(messagesPerSecond ?? bothWaysPerSecond ?? 0),
  )
  const fanIn = results.fanIn.filter(({ payloadBytes }) => payloadBytes === situation.payloadBytes)
  if (rows.length + fanIn.length === 0) return undefined
  const crowds = [...new Set(fanIn.map(fanInOf))]
  const series = [ONE_WAY, BOTH_WAYS, ...crowds]
  const dots = [
    ...dotsOf(rows, [
      { series: ONE_WAY, of: ({ messagesPerSecond }) => messagesPerSecond },
      { series: BOTH_WAYS, of: ({ bothWaysPerSecond }) => bothWaysPerSecond },
    ]),
    ...crowds.flatMap((crowd) =>
      dotsOf(fanIn, [
        { series: crowd, of: (row) => (fanInOf(row) === crowd ? row.messagesPerSecond : null) },
      ]),
    ),
  ]
  const shown = series.filter((name) => dots.some(({ series }) => series === name))
  const label = `Messages per second of each lane; ${describe(situation)}`
  return {
    id: 'throughput',
    title: 'How many messages in a second?',
    text:
      'Nobody waits for an answer before the next message is sent. Further right is more, on a logarithmic scale, the best ' +
      `transport on top; ${describe(situation)}.`,
    legend: signsOf(shown),
    charts: [dotChart(dots, shown, { type: 'log', show: rateTick }, { label })],
    table: html`${rows.length > 0 ? rowsTable(rows, label) : undefined}${fanIn.length > 0 ? fanInTable(fanIn) : undefined}`,
  }
}

const lane = { head: 'Lane', cell: (row: Measured) => markedName(row) }

const rowsTable = (rows: readonly Row[], caption: string) =>
  table(caption, rows, lane, [
    { head: ONE_WAY, cell: ({ messagesPerSecond }) => orDash(messagesPerSecond, rate) },
    { head: 'bytes, one way', cell: ({ bytesPerSecond }) => orDash(bytesPerSecond, byteRate) },
    { head: BOTH_WAYS, cell: ({ bothWaysPerSecond }) => orDash(bothWaysPerSecond, rate) },
    { head: 'to memcpy', cell: ({ shareOfCopy }) => orDash(shareOfCopy, percent) },
  ])

const fanInTable = (rows: readonly FanInRow[]) =>
  table('Several peers that ask one process at once', rows, lane, [
    { head: 'peers', cell: ({ peers }) => integer(peers) },
    { head: 'messages, all together', cell: ({ messagesPerSecond }) => rate(messagesPerSecond) },
    { head: 'to the same with one peer', cell: ({ ratioToOne }) => `${ratio(ratioToOne)} ×` },
    { head: 'share of the slowest peer', cell: ({ smallestShare }) => percent(smallestShare) },
  ])
