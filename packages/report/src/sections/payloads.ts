import type { Results, Row } from '@strait/bench'
import { logScale, logTicks } from '../axis.js'
import { type Curve, panels } from '../charts/panels.js'
import { byteRate, byteRateTick, bytes, durationTick, orDash } from '../format.js'
import { byLane, kindOf, mainSituation, markedName, nameOf, ranked, rowsIn } from '../lanes.js'
import type { Chart, Section } from '../section.js'
import { table } from '../table.js'
import { PANEL_SIGNS, PLACEMENTS, QUANTILES } from './words.js'

export function payloads({ rows }: Results): Section | undefined {
  const { mode, placement } = mainSituation(rows)
  const swept = rowsIn(rows, { mode, placement }).filter(({ payloadBytes }) => payloadBytes > 0)
  const sizes = [...new Set(swept.map(({ payloadBytes }) => payloadBytes))].sort((a, b) => a - b)
  if (sizes.length < 2) return undefined
  const lanes = byLane(ranked(swept, ({ rttNs }) => rttNs.p50))
  const chart = (
    title: string,
    figure: (row: Row) => number | null,
    show: (value: number) => string,
  ): Chart => {
    const curves = lanes.map((lane) => curveOf(lane, figure)).filter(({ points }) => points.length > 0)
    const x = logScale(sizes)
    const y = logScale(curves.flatMap(({ points }) => points.map(([, value]) => value)))
    return {
      title,
      label: `${title}, by size of the message, one panel for each transport; ${mode}, ${PLACEMENTS[placement]}`,
      draw: (size) =>
        panels(
          curves,
          { scale: { ...x, base: 2 }, ticks: spaced(sizes, size.narrow ? 2 : 4), show: bytes },
          { scale: y, ticks: logTicks(y.domain, 5), show },
          size,
        ),
    }
  }
  return {
    id: 'payloads',
    title: 'What do large messages cost?',
    text:
      'Both axes are logarithmic. Where a curve is flat, the size does not matter yet and waking the peer is what takes the ' +
      'time; where it rises, copying does. One transport in each panel, the others grey behind it.',
    legend: PANEL_SIGNS,
    charts: [
      chart('Round trip, p50', ({ rttNs }) => rttNs.p50, durationTick),
      chart('One way, bytes per second', ({ bytesPerSecond }) => bytesPerSecond, byteRateTick),
    ],
    table: table(
      `By size of the message; ${mode}, ${PLACEMENTS[placement]}`,
      lanes.flatMap((lane) => [...lane].sort((a, b) => a.payloadBytes - b.payloadBytes)),
      { head: 'Lane', cell: markedName },
      [
        { head: 'size', cell: ({ payloadBytes }) => bytes(payloadBytes) },
        ...QUANTILES.slice(0, 3),
        { head: 'one way', cell: ({ bytesPerSecond }) => orDash(bytesPerSecond, byteRate) },
      ],
    ),
  }
}

function curveOf(lane: readonly Row[], figure: (row: Row) => number | null): Curve {
  const [first] = lane
  return {
    panel: first!.url,
    name: nameOf(first!),
    kind: kindOf(first!),
    points: lane
      .flatMap((row) => {
        const value = figure(row)
        return value === null || value === 0 ? [] : [[row.payloadBytes, value] as const]
      })
      .sort(([a], [b]) => a - b),
  }
}

/** So many of the values at most, the first among them. */
function spaced(values: readonly number[], most: number): number[] {
  const every = Math.ceil(values.length / most)
  return values.filter((_, index) => index % every === 0)
}
