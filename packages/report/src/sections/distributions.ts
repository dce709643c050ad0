import type { Results, Row } from '@strait/bench'
import { ridges } from '../charts/ridges.js'
import { duration, integer, percent } from '../format.js'
import { kindOf, laneOf, mainSituation, markedName } from '../lanes.js'
import type { Section } from '../section.js'
import { type Column, table } from '../table.js'
import { mainRows } from './round-trips.js'
import { describe, LANE_SIGNS } from './words.js'

export function distributions(results: Results): Section | undefined {
  const rows = mainRows(results).filter(({ distribution }) => distribution.length > 0)
  if (rows.length === 0) return undefined
  const situation = describe(mainSituation(results.rows))
  return {
    id: 'distributions',
    title: 'Where do the rounds lie?',
    text:
      'All rounds, not only their median. A narrow hill is a transport that always takes the same; two hills are two ways to ' +
      'go, mostly awake and asleep. Each hill is as high as all others. The dot is the median, and the line under the hill ' +
      `reaches to the longest round of all. Again ${situation}, on a logarithmic scale.`,
    legend: LANE_SIGNS,
    charts: [
      {
        label: `Distribution of round trips of each lane; ${situation}`,
        draw: (size) =>
          ridges(
            rows.map((row) => ({
              key: laneOf(row),
              name: markedName(row),
              kind: kindOf(row),
              p50: row.rttNs.p50,
              max: row.rttNs.max,
              bins: row.distribution,
            })),
            size,
          ),
      },
    ],
    table: table(`Share of the rounds by duration; ${situation}`, rows, { head: 'Lane', cell: markedName }, [
      ...decades(rows),
      { head: 'rounds', cell: ({ rounds }) => integer(rounds) },
    ]),
  }
}

/** A column for each decade in which there are rounds. A bin belongs where its upper end lies. */
function decades(rows: readonly Row[]): Column<Row>[] {
  const decadeOf = (upToNs: number) => Math.ceil(Math.log10(upToNs))
  const found = new Set(rows.flatMap(({ distribution }) => distribution.map(([upTo]) => decadeOf(upTo))))
  return [...found]
    .sort((a, b) => a - b)
    .map((decade) => ({
      head: `to ${duration(10 ** decade)}`,
      cell: ({ distribution }) => {
        const within = distribution.filter(([upTo]) => decadeOf(upTo) === decade)
        return share(sum(within), sum(distribution))
      },
    }))
}

const sum = (bins: Row['distribution']) => bins.reduce((total, [, rounds]) => total + rounds, 0)

const share = (part: number, whole: number) => (part === 0 ? '–' : percent(part / whole))
