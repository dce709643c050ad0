import type { Results } from '@strait/bench'
import { byteRate, bytes, duration, integer, orDash, percent, rate, ratio } from '../format.js'
import { markedName } from '../lanes.js'
import type { Section } from '../section.js'
import { table } from '../table.js'
import { PLACEMENTS, QUANTILES } from './words.js'

/** All rows, also those that no chart has room for. */
export function everything({ rows }: Results): Section | undefined {
  if (rows.length === 0) return undefined
  return {
    id: 'everything',
    title: 'Everything that was measured',
    text: 'One line for each lane in each situation. A dash is what was not measured; ≈ marks repeats that lie more than 10 % apart.',
    legend: [],
    charts: [],
    table: table('All rows', rows, { head: 'Lane', cell: markedName }, [
      { head: 'over', cell: ({ url }) => url },
      { head: 'mode', cell: ({ mode }) => mode },
      { head: 'placement', cell: ({ placement }) => PLACEMENTS[placement] },
      { head: 'waits by', cell: ({ waitStrategy }) => orDash(waitStrategy, String) },
      { head: 'size', cell: ({ payloadBytes }) => bytes(payloadBytes) },
      ...QUANTILES,
      { head: 'C floor', cell: ({ floorNs }) => orDash(floorNs, duration) },
      { head: '× floor', cell: ({ ratioToFloor }) => orDash(ratioToFloor, ratio) },
      { head: 'CPU', cell: ({ cpuPerRoundNs }) => orDash(cpuPerRoundNs, duration) },
      { head: 'switches', cell: ({ switchesPerRound }) => orDash(switchesPerRound, ratio) },
      { head: 'one way', cell: ({ messagesPerSecond }) => orDash(messagesPerSecond, rate) },
      { head: 'bytes', cell: ({ bytesPerSecond }) => orDash(bytesPerSecond, byteRate) },
      { head: 'both ways', cell: ({ bothWaysPerSecond }) => orDash(bothWaysPerSecond, rate) },
      { head: 'rounds', cell: ({ rounds }) => integer(rounds) },
      { head: 'spread', cell: ({ spread }) => percent(spread) },
    ]),
  }
}
