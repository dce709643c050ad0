import type { Results, Row } from '@strait/bench'
import { logScale, logTicks } from '../axis.js'
import { panels } from '../charts/panels.js'
import { duration, durationTick, orDash } from '../format.js'
import { kindOf, mainSituation, markedName, nameOf } from '../lanes.js'
import type { Section } from '../section.js'
import { table } from '../table.js'
import { mainRows } from './round-trips.js'
import { describe, PANEL_SIGNS, QUANTILES } from './words.js'

/** Drawn at equal distances from 90 on: each of these has a tenth of the rounds of the one before behind it. */
const TICKS = [50, 90, 99, 99.9, 99.99]
const PERCENTS = [50, 75, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99]

export function percentiles(results: Results): Section | undefined {
  const rows = mainRows(results).filter(({ distribution }) => distribution.length > 0)
  if (rows.length === 0) return undefined
  const situation = describe(mainSituation(results.rows))
  const curves = rows.map((row) => ({
    panel: row.url,
    name: nameOf(row),
    kind: kindOf(row),
    points: PERCENTS.flatMap((percent) => {
      const ns = percentile(row, percent)
      return ns === undefined ? [] : [[beyond(percent), ns] as const]
    }),
  }))
  const y = logScale(curves.flatMap(({ points }) => points.map(([, ns]) => ns)))
  return {
    id: 'percentiles',
    title: 'How bad does it get?',
    text:
      'How long the slowest one of two, of ten, of a hundred rounds takes, and so on to the right. A flat curve is a transport ' +
      'to rely on; a steep one is quick only mostly. In each panel one transport stands before all others, in grey; all ' +
      `panels have the same scales. A curve ends where there are too few rounds to go on. ${situation}.`,
    legend: PANEL_SIGNS,
    charts: [
      {
        label: `Round trip by percentile, one panel for each transport; ${situation}`,
        draw: (size) =>
          panels(
            curves,
            {
              scale: { type: 'linear', domain: [beyond(50), beyond(99.99)] },
              ticks: TICKS.map(beyond),
              show: (value) => String(TICKS.find((tick) => beyond(tick) === value)),
            },
            { scale: y, ticks: logTicks(y.domain, 5), show: durationTick },
            size,
          ),
      },
    ],
    table: table(`Round trip by percentile; ${situation}`, rows, { head: 'Lane', cell: markedName }, [
      ...QUANTILES.slice(0, 4),
      { head: 'p99.99', cell: (row) => orDash(percentile(row, 99.99), (ns) => `≤ ${duration(ns)}`) },
      { head: 'max', cell: ({ rttNs }) => duration(rttNs.max) },
    ]),
  }
}

const beyond = (percent: number) => -Math.log10(1 - percent / 100)

/** The upper end of its bin, in ns; undefined: less than one round lies behind it. */
export function percentile({ distribution, rounds }: Row, percent: number): number | undefined {
  const behind = rounds * (1 - percent / 100)
  if (behind < 1 - 1e-9) return undefined
  let left = rounds
  return distribution.find(([, count]) => {
    left -= count
    return left <= behind + 1e-9
  })?.[0]
}
