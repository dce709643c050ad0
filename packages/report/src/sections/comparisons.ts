import type { Measured, Mode, Placement, Results, Row } from '@strait/bench'
import { type Dot, type DotScale, dots, lookOf } from '../charts/dots.js'
import { duration, durationTick, orDash } from '../format.js'
import { byLane, laneOf, mainSituation, markedName, nameOf, ranked, rowsIn } from '../lanes.js'
import type { Chart, Section, Sign } from '../section.js'
import { type Column, table } from '../table.js'
import { MODES, PLACEMENTS, QUANTILES } from './words.js'

/** What to take from a row for a series; null: the row has none. */
export interface Figure<T> {
  readonly series: string
  readonly of: (row: T) => number | null
}

/** A dot for each figure of each row. Lanes with a row that is noisy are marked. */
export function dotsOf<T extends Measured>(rows: readonly T[], figures: readonly Figure<T>[]): Dot[] {
  const noisy = new Set(rows.filter((row) => row.noisy).map(laneOf))
  return rows.flatMap((row) =>
    figures.flatMap(({ series, of }) => {
      const value = of(row)
      const lane = laneOf(row)
      const name = noisy.has(lane) ? `≈ ${nameOf(row)}` : nameOf(row)
      return value === null ? [] : [{ lane, name, series, value }]
    }),
  )
}

export function dotChart(
  values: readonly Dot[],
  series: readonly string[],
  scale: DotScale,
  words: Pick<Chart, 'title' | 'label'>,
): Chart {
  return { ...words, draw: (size) => dots(values, series, scale, size) }
}

export function signsOf(series: readonly string[], means: (series: string) => string = String): Sign[] {
  return series.map((name, index) => {
    const { glyph, colour } = lookOf(index)
    return { glyph, colour, means: means(name) }
  })
}

/** Those of all that were measured, in order. */
const present = <T>(all: readonly T[], found: readonly T[]) => all.filter((one) => found.includes(one))

export function modesCompared({ rows }: Results): Section | undefined {
  const { placement, payloadBytes } = mainSituation(rows)
  const compared = rowsIn(rows, { placement, payloadBytes })
  const modes = present(
    Object.keys(MODES) as Mode[],
    compared.map(({ mode }) => mode),
  )
  if (modes.length < 2) return undefined
  return comparison({
    id: 'modes',
    title: 'What if the peer has gone to sleep?',
    text:
      'The median round trip in each mode. Where the dots of one lane lie together, it does not matter whether the peer is ' +
      'awake. Where they lie apart, most of the slower one is the kernel waking a thread.',
    compared,
    head: 'mode',
    series: modes,
    seriesOf: ({ mode }) => mode,
    means: (mode) => MODES[mode as Mode],
  })
}

export function placementsCompared({ rows }: Results): Section | undefined {
  const { mode, payloadBytes } = mainSituation(rows)
  const compared = rowsIn(rows, { mode, payloadBytes })
  const placements = present(
    Object.keys(PLACEMENTS) as Placement[],
    compared.map(({ placement }) => placement),
  )
  if (placements.length < 2) return undefined
  return comparison({
    id: 'placements',
    title: 'One core or two?',
    text:
      'The median round trip by where the two ends run. On one core the kernel only changes from one thread to the other, ' +
      'which is quicker than waking another core, but nothing is done at the same time.',
    compared,
    head: 'placement',
    series: placements,
    seriesOf: ({ placement }) => placement,
    means: (placement) => PLACEMENTS[placement as Placement],
  })
}

interface Comparison extends Pick<Section, 'id' | 'title' | 'text'> {
  readonly compared: readonly Row[]
  readonly head: string
  readonly series: readonly string[]
  readonly seriesOf: (row: Row) => string
  readonly means: (series: string) => string
}

function comparison({ compared, head, series, seriesOf, means, ...words }: Comparison): Section {
  const lanes = byLane(ranked(compared, ({ rttNs }) => rttNs.p50))
  const figures = series.map((name) => ({
    series: name,
    of: (row: Row) => (seriesOf(row) === name ? row.rttNs.p50 : null),
  }))
  const scale = { type: 'log', show: durationTick } as const
  const label = `Median round trip of each lane by ${head}`
  const which: Column<Row> = { head, cell: seriesOf }
  return {
    ...words,
    legend: signsOf(series, means),
    charts: [dotChart(dotsOf(lanes.flat(), figures), series, scale, { label })],
    table: table(label, lanes.flat(), { head: 'Lane', cell: markedName }, [
      which,
      ...QUANTILES,
      { head: 'C floor', cell: ({ floorNs }) => orDash(floorNs, duration) },
    ]),
  }
}
