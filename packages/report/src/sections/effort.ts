import type { Results, Row } from '@strait/bench'
import { duration, durationTick, orDash, ratio } from '../format.js'
import { mainSituation, markedName, ranked, rowsIn } from '../lanes.js'
import type { Chart, Section } from '../section.js'
import { table } from '../table.js'
import { dotChart, dotsOf, signsOf } from './comparisons.js'
import { describe } from './words.js'

const BOTH_ENDS = 'both ends together'
const cpu = ({ cpuPerRoundNs }: Row) => cpuPerRoundNs
const switches = ({ switchesPerRound }: Row) => switchesPerRound

/** What a round trip takes from the rest of the machine. */
export function effort({ rows: all }: Results): Section | undefined {
  const situation = mainSituation(all)
  const rows = ranked(rowsIn(all, situation), (row) => cpu(row) ?? Number.MAX_VALUE)
  const chart = (
    title: string,
    of: (row: Row) => number | null,
    scale: Parameters<typeof dotChart>[2],
  ): Chart[] => {
    const dots = dotsOf(rows, [{ series: BOTH_ENDS, of }])
    const label = `${title}; ${describe(situation)}`
    return dots.length === 0 ? [] : [dotChart(dots, [BOTH_ENDS], scale, { title, label })]
  }
  const charts = [
    ...chart('CPU time for a round trip', cpu, { type: 'log', show: durationTick }),
    ...chart('Context switches for a round trip', switches, { type: 'linear', show: ratio }),
  ]
  if (charts.length === 0) return undefined
  return {
    id: 'effort',
    title: 'What does it take from others?',
    text:
      'The CPU time that both ends use for one round trip, and how often the kernel changes the thread on a core. Who spins ' +
      `answers sooner and switches less, and keeps a core busy for it; ${describe(situation)}.`,
    legend: signsOf([BOTH_ENDS]),
    charts,
    table: table(
      `CPU time and context switches; ${describe(situation)}`,
      rows,
      { head: 'Lane', cell: markedName },
      [
        { head: 'CPU for a round', cell: (row) => orDash(cpu(row), duration) },
        { head: 'switches for a round', cell: (row) => orDash(switches(row), ratio) },
        { head: 'round trip, p50', cell: ({ rttNs }) => duration(rttNs.p50) },
      ],
    ),
  }
}
