import { dot, link, type ScaleOptions, type TextOptions, text } from '@observablehq/plot'
import { logScale, logTicks, valueAxis } from '../axis.js'
import { type Drawing, draw, type Size } from '../draw.js'

/** One dot: what of which lane. */
export interface Dot {
  readonly lane: string
  /** What the lane is called. */
  readonly name: string
  readonly series: string
  readonly value: number
}

export interface DotScale {
  readonly type: 'log' | 'linear'
  readonly show: (value: number) => string
}

/** The looks of the series of a chart, by their place: symbol and colour both differ. */
export const LOOKS = [
  { symbol: 'circle', glyph: '●', colour: 'var(--series-1)' },
  { symbol: 'triangle', glyph: '▲', colour: 'var(--series-2)' },
  { symbol: 'square', glyph: '■', colour: 'var(--series-3)' },
  { symbol: 'diamond', glyph: '◆', colour: 'var(--series-4)' },
  { symbol: 'star', glyph: '★', colour: 'var(--series-5)' },
  { symbol: 'times', glyph: '✕', colour: 'var(--series-6)' },
] as const

/** The look of a series, by its place. */
export const lookOf = (index: number) => LOOKS[index % LOOKS.length]!

const ROW = 25
const ROW_WITH_NAME = 40

/** A line for each lane with a dot for each of its figures, lanes in the order in which they come. */
export function dots(
  values: readonly Dot[],
  series: readonly string[],
  { type, show }: DotScale,
  { width, narrow }: Size,
): Drawing {
  const spans = spansOf(values)
  const most = narrow ? 4 : 8
  const log = logScale(values.map(({ value }) => value))
  const x =
    type === 'log' ? log : { type, domain: [0, 1.05 * Math.max(...values.map(({ value }) => value), 1e-9)] }
  const dy = narrow ? 8 : 0
  const label = narrow ? { frameAnchor: 'left', dy: -9 } : { frameAnchor: 'left', textAnchor: 'end', dx: -16 }
  return draw({
    width,
    height: 52 + spans.length * (narrow ? ROW_WITH_NAME : ROW),
    ...(narrow ? { marginLeft: 8, marginRight: 16 } : { marginLeft: 250, marginRight: 40 }),
    marginTop: 26,
    marginBottom: 26,
    x: x as ScaleOptions,
    y: { type: 'point', domain: spans.map(({ lane }) => lane), axis: null, padding: 0.5 },
    marks: [
      valueAxis(type === 'log' ? logTicks(log.domain, most) : most, show),
      link(spans, {
        x1: 'least',
        x2: 'most',
        y1: 'lane',
        y2: 'lane',
        dy,
        stroke: 'var(--line)',
        strokeWidth: 3,
      }),
      ...series.map((name, index) => {
        const { symbol, colour } = lookOf(index)
        const shown = values.filter((value) => value.series === name)
        return dot(shown, {
          ...{ x: 'value', y: 'lane', dy, symbol, r: 5 },
          ...{ fill: colour, stroke: 'var(--background)' },
        })
      }),
      text(spans, { ...(label as TextOptions), y: 'lane', text: 'name' }),
    ],
  })
}

interface Span {
  readonly lane: string
  readonly name: string
  readonly least: number
  readonly most: number
}

function spansOf(values: readonly Dot[]): Span[] {
  const spans = new Map<string, Span>()
  for (const { lane, name, value } of values) {
    const { least, most } = spans.get(lane) ?? { least: value, most: value }
    spans.set(lane, { lane, name, least: Math.min(least, value), most: Math.max(most, value) })
  }
  return [...spans.values()]
}
