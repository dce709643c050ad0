import type { Results, Row } from '@strait/bench'
import { type Ranked, ranking } from '../charts/ranking.js'
import { duration, integer, orDash, percent, ratio } from '../format.js'
import { kindOf, laneOf, mainSituation, markedName, nameOf, ranked, rowsIn } from '../lanes.js'
import type { Section } from '../section.js'
import { table } from '../table.js'
import { describe, LANE_SIGNS, QUANTILES } from './words.js'

/** The rows of the main situation, the quickest transport first. */
export function mainRows({ rows }: Results): Row[] {
  return ranked(rowsIn(rows, mainSituation(rows)), ({ rttNs }) => rttNs.p50)
}

export const rankedLane = (row: Row): Ranked => ({
  key: laneOf(row),
  name: nameOf(row),
  kind: kindOf(row),
  noisy: row.noisy,
  p50: row.rttNs.p50,
  p99: row.rttNs.p99,
  floor: row.floorNs,
  ratioToFloor: row.ratioToFloor,
})

export function roundTrips(results: Results): Section | undefined {
  const rows = mainRows(results)
  if (rows.length === 0) return undefined
  const situation = describe(mainSituation(results.rows))
  return {
    id: 'round-trips',
    title: 'How long is a round trip?',
    text:
      `A question and its answer, one at a time: ${situation}. Further left is quicker, and each line to the right is ten ` +
      'times slower or so, for the scale is logarithmic. The line of a lane begins at what half of the rounds take at most ' +
      'and ends at what 99 of 100 do; a short one means that you get what you expect.',
    legend: [
      ...LANE_SIGNS,
      { glyph: '┃', colour: 'var(--text)', means: 'the same in blocking C, the floor' },
    ],
    charts: [
      {
        label: `Round trips from p50 to p99, for each transport and the programs beside it; ${situation}`,
        draw: (size) => ranking(rows.map(rankedLane), size),
      },
    ],
    table: table(`Round trips; ${situation}`, rows, { head: 'Lane', cell: markedName }, [
      ...QUANTILES,
      { head: 'C floor', cell: ({ floorNs }) => orDash(floorNs, duration) },
      { head: '× floor', cell: ({ ratioToFloor }) => orDash(ratioToFloor, ratio) },
      { head: 'rounds', cell: ({ rounds }) => integer(rounds) },
      { head: 'spread of repeats', cell: ({ spread }) => percent(spread) },
    ]),
  }
}
